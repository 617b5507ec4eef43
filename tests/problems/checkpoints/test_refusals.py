"""Files that are damaged, hold objects, or want to run code."""

import argparse
import io
import os
import pathlib
import pickle
import re
import types

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints import load_weights
from landscape_cli.problems.checkpoints.pickled_globals import globals_of_file, runs_code
from landscape_cli.problems.checkpoints.refusals import refusal
from support.saved_networks import Net, scrambled

ALLOW = re.compile(r"torch\.serialization\.add_safe_globals\((\[.*?\])\)")


class Calls:
    """Is unpickled as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Options:
    """A user's own class of hyper-parameters."""

    def __init__(self):
        self.rate = 0.1


def save(content, path, layout):
    if layout == "zip":
        torch.save(content, path)
    elif layout == "legacy":
        torch.save(content, path, _use_new_zipfile_serialization=False)
    else:
        with open(path, "wb") as file:
            pickle.dump(content, file, int(layout))


LAYOUTS = ["zip", "legacy", *map(str, range(6))]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (os.mkdir, ("evil",), "posix.mkdir"),
        (os.system, ("mkdir evil",), "posix.system"),
        (eval, ("__import__('os').mkdir('evil')",), "builtins.eval"),
        (exec, ("import os; os.mkdir('evil')",), "builtins.exec"),
        (getattr, (os, "name"), "builtins.getattr"),
    ],
)
def test_a_pickle_that_wants_to_run_code_is_named_as_that(
    tmp_path, monkeypatch, refused, trained, layout, function, arguments, name
):
    if function is getattr:
        arguments = ("name", "upper")
    monkeypatch.chdir(tmp_path)
    save({"state_dict": trained.state_dict(), "x": Calls(function, *arguments)}, "net.pt", layout)
    line = refused("net.pt")
    assert f"is a pickle that wants to run code: it asks for {name};" in line
    assert "damaged" not in line
    assert "add_safe_globals" not in line
    assert not os.path.exists("evil")


@pytest.mark.parametrize(
    "name",
    [
        *("os.system", "posix.system", "nt.system", "subprocess.Popen", "builtins.exec"),
        *("builtins.__import__", "importlib.import_module", "runpy.run_path", "shutil.rmtree"),
        *("socket.create_connection", "ctypes.CDLL", "pickle.loads", "operator.attrgetter"),
        *("torch.load", "torch.hub.load", "commands.getoutput", "webbrowser.open", "pty.spawn"),
    ],
)
def test_names_that_can_run_code(name):
    assert runs_code(name)


@pytest.mark.parametrize(
    "name",
    [
        *("argparse.Namespace", "pathlib.PosixPath", "builtins.set", "builtins.dict"),
        *("collections.OrderedDict", "datetime.datetime", "numpy.dtype", "__main__.Options"),
        *("omegaconf.dictconfig.DictConfig", "my_project.Config", "torch.nn.modules.linear.Linear"),
    ],
)
def test_names_that_hold_data(name):
    assert not runs_code(name)


OBJECTS = {
    "Namespace": lambda: argparse.Namespace(rate=0.1),
    "SimpleNamespace": lambda: types.SimpleNamespace(rate=0.1),
    "path": lambda: pathlib.PurePosixPath("a"),
    "numpy scalar": lambda: np.float64(0.5),
    "numpy integer": lambda: np.int32(5),
    "numpy array": lambda: np.arange(3.0),
    "own class": Options,
    "bytes in memory": lambda: io.BytesIO(b"a"),
}


@pytest.mark.parametrize("layout", ["zip", "legacy"])
@pytest.mark.parametrize("kind", OBJECTS)
def test_objects_are_refused_with_a_way_out_that_works(
    tmp_path, refused, trained, loads, kind, layout
):
    path = tmp_path / "net.pt"
    save({"state_dict": trained.state_dict(), "options": OBJECTS[kind]()}, path, layout)
    line = refused(path)
    assert "holds objects besides tensors" in line
    assert "weights_only" not in line
    assert "problem_args" not in line
    with torch.serialization.safe_globals(allowed_by(line)):
        loads(path, trained.state_dict())


def allowed_by(line):
    """Return the objects that a message lists, as a problem's module would import them."""
    modules = {"_io": io, "argparse": argparse, "types": types, "pathlib": pathlib, "numpy": np}
    names = ALLOW.search(line)[1].replace(f"{__name__}.", "")
    return eval(names, {"__builtins__": {}, "Options": Options, **modules})


def test_a_whole_pickled_model_is_named_as_that(tmp_path, refused, trained, loads):
    torch.save(trained, tmp_path / "net.pt")
    line = refused(tmp_path / "net.pt")
    assert "holds a whole pickled model (support.saved_networks.Net)" in line
    assert "torch.save(model.state_dict(), ...)" in line
    modules = {type(module) for module in trained.modules()}
    with torch.serialization.safe_globals([*modules, set]):
        loads(tmp_path / "net.pt", trained.state_dict())


def test_a_script_is_named_as_that(tmp_path, refused):
    torch.jit.save(torch.jit.script(Net()), tmp_path / "net.pt")
    assert "is a TorchScript archive, which holds code" in refused(tmp_path / "net.pt")


def test_another_pickle_protocol_is_named(tmp_path, refused, trained):
    torch.save(trained.state_dict(), tmp_path / "net.pt", pickle_protocol=4)
    assert "was pickled with protocol 4" in refused(tmp_path / "net.pt")


@settings(max_examples=60)
@given(st.data())
def test_a_flipped_byte_of_an_archive_is_refused_or_changes_nothing(tmp_path, data):
    model = scrambled(Net())
    path = tmp_path / "net.pt"
    torch.save(model.state_dict(), path)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    fresh = Net()
    try:
        load_weights(fresh, path)
    except CheckpointError:
        return
    for name, tensor in model.state_dict().items():
        assert torch.equal(fresh.state_dict()[name], tensor)


def test_a_flipped_byte_of_a_tensor_names_the_record(tmp_path, refused, trained):
    path = tmp_path / "net.pt"
    torch.save(trained.state_dict(), path)
    content = bytearray(path.read_bytes())
    place = content.find(trained.head.weight.detach().numpy().tobytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert re.search(r"the record 'net/data/\d' does not have its checksum", refused(path))


@pytest.mark.parametrize("summed", [True, False])
def test_a_record_marked_as_a_folder_is_refused(tmp_path, refused, trained, summed):
    # PyTorch would read nothing for it, and return whatever was in memory.
    path = tmp_path / "net.pt"
    torch.serialization.set_crc32_options(summed)
    try:
        torch.save(trained.state_dict(), path)
    finally:
        torch.serialization.set_crc32_options(True)
    content = bytearray(path.read_bytes())
    entry = content.rfind(b"net/data/3") - 46  # the fixed part of an entry in the directory
    assert content[entry : entry + 4] == b"PK\x01\x02"
    content[entry + 38] ^= 0x10
    path.write_bytes(content)
    assert "the record 'net/data/3' is marked as a folder" in refused(path)


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93])
def test_a_compression_that_pytorch_does_not_read_is_refused(tmp_path, refused, trained, method):
    """Python's zipfile knows bzip2 (12) and LZMA (14), and raises errors of theirs."""
    path = tmp_path / "net.pt"
    torch.save(trained.state_dict(), path)
    content = bytearray(path.read_bytes())
    for name in (b"net/data/3", b"net/data.pkl"):
        first, last = content.find(name) - 30, content.rfind(name) - 46
        assert content[last : last + 4] == b"PK\x01\x02"
        content[first + 8], content[last + 10] = method, method
    path.write_bytes(content)
    assert f"is compressed by method {method}, which PyTorch does not read" in refused(path)


def test_archives_without_checksums_load(tmp_path, trained, loads):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(trained.state_dict(), tmp_path / "net.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    loads(tmp_path / "net.pt", trained.state_dict())


@settings(max_examples=30)
@given(st.data())
def test_cut_off_safetensors_are_refused(tmp_path, data):
    path = tmp_path / "net.safetensors"
    save_file(Net().state_dict(), path)
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(CheckpointError, match="cut off"):
        load_weights(Net(), path)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_searched_for_names_without_an_error(tmp_path, content):
    path = tmp_path / "net.pt"
    path.write_bytes(content)
    globals_of_file(str(path))
    with pytest.raises(CheckpointError):
        load_weights(Net(), path)


def test_an_archive_of_another_version_is_refused_in_a_line(tmp_path):
    """Python's zipfile knows versions up to 6.3, and raises what no damaged file does."""
    path = tmp_path / "net.pt"
    torch.save({"weight": torch.zeros(3)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 136  # the version that is needed: 13.6
    path.write_bytes(content)
    assert str(path) in str(refusal(str(path), pickle.UnpicklingError("operand 80")))
