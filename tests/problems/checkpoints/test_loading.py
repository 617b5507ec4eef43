import os
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints import file_hash, load_weights


def network():
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))


@pytest.fixture
def trained():
    torch.manual_seed(5)
    model = network()
    model[1].running_mean.fill_(7)
    return model


def check(path, trained):
    model = network()
    load_weights(model, str(path))
    for name, value in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)


@pytest.mark.parametrize("key", [None, "state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_the_usual_checkpoints_load(tmp_path, trained, key, prefix):
    state = {prefix + name: value for name, value in trained.state_dict().items()}
    content = state if key is None else {key: state, "epoch": 3, "best": 0.5}
    torch.save(content, tmp_path / "net.pt")
    check(tmp_path / "net.pt", trained)


def test_safetensors_load(tmp_path, trained):
    save_file(trained.state_dict(), tmp_path / "net.safetensors")
    check(tmp_path / "net.safetensors", trained)


def test_old_style_pickles_load(tmp_path, trained):
    torch.save(trained.state_dict(), tmp_path / "net.pt", _use_new_zipfile_serialization=False)
    check(tmp_path / "net.pt", trained)


def test_a_compiled_submodule_loads(tmp_path, trained):
    state = {name.replace("0.", "0._orig_mod."): v for name, v in trained.state_dict().items()}
    torch.save(state, tmp_path / "net.pt")
    check(tmp_path / "net.pt", trained)


def test_a_wrapped_model_takes_bare_names(tmp_path, trained):
    torch.save(trained.state_dict(), tmp_path / "net.pt")
    wrapped = nn.DataParallel(network())
    load_weights(wrapped, str(tmp_path / "net.pt"))
    assert torch.equal(wrapped.module[0].weight.cpu(), trained[0].weight)


def test_tensors_that_do_not_fit_are_listed(tmp_path, trained):
    state = trained.state_dict()
    del state["0.bias"]
    state["2.extra"] = torch.zeros(1)
    state["0.weight"] = torch.zeros(4, 3)
    torch.save(state, tmp_path / "net.pt")
    with pytest.raises(
        CheckpointError,
        match=r"missing 0.bias; unexpected 2.extra; wrong shapes: 0.weight \(4, 3\) instead of \(2",
    ):
        load_weights(network(), str(tmp_path / "net.pt"))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("evil",)


@pytest.mark.parametrize("zipped", [True, False])
def test_malicious_files_run_nothing(tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    if zipped:
        torch.save({"state_dict": Evil()}, "net.pt")
    else:
        with open("net.pt", "wb") as file:
            pickle.dump(Evil(), file)
    with pytest.raises(CheckpointError, match=r"net.pt"):
        load_weights(network(), "net.pt")
    assert not os.path.exists("evil")


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, torch.zeros(3), {"model": 4}])
def test_files_without_weights_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match="holds no state dict but a"):
        load_weights(network(), str(tmp_path / "net.pt"))


@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
def test_missing_files_are_refused(tmp_path, name):
    with pytest.raises(CheckpointError, match=name):
        load_weights(network(), str(tmp_path / name))
    with pytest.raises(CheckpointError, match=f"can't read .*{name}.*No such file"):
        file_hash(str(tmp_path / name))
    with pytest.raises(CheckpointError, match="can't read"):
        file_hash(str(tmp_path))


@settings(max_examples=40)
@given(st.data())
@pytest.mark.parametrize("name", ["net.pt", "net.safetensors"])
def test_truncated_and_random_files_are_refused(tmp_path, name, data):
    path = tmp_path / name
    state = network().state_dict()
    if name.endswith("pt"):
        torch.save(state, path)
    else:
        save_file(state, path)
    whole = path.read_bytes()
    cut = st.integers(0, len(whole) - 1).map(lambda n: whole[:n])
    path.write_bytes(data.draw(cut | st.binary(max_size=100)))
    with pytest.raises(CheckpointError, match=name):
        load_weights(network(), str(path))
