"""No command replaces a file that it reads, or that is not an output of its own kind."""

import os
import shutil
import socket
from pathlib import Path

import h5py
import pytest
import torch

from builders import surface
from landscape_cli import export, read_surface
from landscape_cli.errors import LandscapeError
from landscape_cli.store import Lock, write_surface

WEIGHTS = {"weight": torch.ones(1, 3, dtype=torch.float64), "bias": torch.zeros(1).double()}


def linked(name):
    os.symlink(name, "link.h5")
    return "link.h5"


def hard_linked(name):
    os.link(name, "hard.h5")
    return "hard.h5"


def roundabout(name):
    Path("sub").mkdir(exist_ok=True)
    return f"sub/../{name}"


def absolute(name):
    return str(Path.cwd() / name)


SPELLINGS = [str, linked, hard_linked, roundabout, absolute]


@pytest.fixture
def place(workplace):
    """A folder with a surface s.h5 and its directions, and a network's weights."""
    torch.save(WEIGHTS, "net.pt")
    for number in (1.0, 2.0):
        bias = torch.tensor([number**2]).double()
        torch.save({"weight": number * WEIGHTS["weight"], "bias": bias}, f"net{number:g}.pt")
    workplace.config(output="s.h5")
    return workplace


@pytest.fixture
def intact(place):
    """Check afterwards that no file that was there before has another content."""
    paths = [path for path in place.folder.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in paths if "__pycache__" not in path.parts}
    yield
    assert {path: path.read_bytes() for path in before} == before
    assert not [path for path in place.folder.rglob(".*") if path.suffix == ".tmp"]


def refused(landscape, *arguments, words=()):
    code, _, err = landscape(*arguments)
    assert (code, err.count("\n")) == (2, 1), err
    for word in words:
        assert word in err
    return err


def unlink_all():
    for name in ("link.h5", "hard.h5"):
        Path(name).unlink(missing_ok=True)


def from_file(path):
    one = {"kind": "file", "path": str(path)}
    return {"x": one, "y": one}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_directions_that_are_read(landscape, place, spelling):
    assert landscape("compute", "run.yaml", "-o", "in.h5")[0] == 0
    os.remove("in.h5")
    config = place.config(directions=from_file(spelling("in.directions.h5")), name="b.yaml")
    before = Path("in.directions.h5").read_bytes()
    words = ("in.directions.h5' would replace", "which the run reads; name another file")
    for overwrite in ((), ("--overwrite",)):
        refused(landscape, "compute", config, "-o", "in.h5", *overwrite, words=words)
        refused(landscape, "compute", config, "-o", "in.directions.h5", *overwrite)
    assert Path("in.directions.h5").read_bytes() == before
    assert landscape("compute", config, "-o", "out.h5")[0] == 0


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_surface_in_the_place_of_directions(landscape, place, overwrite):
    assert landscape("compute", "run.yaml", "-o", "b.directions.h5")[0] == 0
    before = Path("b.directions.h5").read_bytes()
    words = ("b.directions.h5' is there already, a file with a surface and not one with directi",)
    refused(landscape, "compute", "run.yaml", "-o", "b.h5", *overwrite, words=words)
    assert Path("b.directions.h5").read_bytes() == before
    assert not Path("b.h5").exists()


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.usefixtures("intact")
def test_a_checkpoint_the_configuration_and_data(landscape, place, spelling):
    names = {"checkpoint": "net.pt", "name": "c.yaml"}
    shutil.copy("net.pt", "other.pt")
    for output, keys in (
        ("net.pt", names),
        ("net.pt", {"checkpoints": ["net.p*"], "name": "d.yaml"}),
        ("other.pt", {"directions": {"x": {"kind": "checkpoint", "path": "other.pt"}, "y": {}}}),
        ("other.pt", {"problem_args": {"more": {"files": ["other.pt"]}}}),
    ):
        config = place.config(**{"name": "e.yaml", **keys})
        other = spelling(output)
        for one in (other, output):
            refused(landscape, "compute", config, "-o", one, "--overwrite")
        unlink_all()
        refused(landscape, "compute", spelling(config), "-o", config, "--overwrite")
        unlink_all()
        os.remove(config)
    os.remove("other.pt")


@pytest.mark.usefixtures("intact")
def test_the_message_names_what_would_be_lost(landscape, place):
    words = ("output: 'sub/../net.pt' is the checkpoint; name another file",)
    config = place.config(checkpoint="net.pt", name="b.yaml")
    refused(landscape, "compute", config, "-o", roundabout("net.pt"), words=words)
    words = ("b.yaml' is the configuration; name another file",)
    refused(landscape, "compute", config, "-o", config, "--overwrite", words=words)
    os.remove(config)


@pytest.mark.usefixtures("intact")
def test_only_a_surface_is_overwritten_by_a_surface(landscape, place):
    with h5py.File("theirs.h5", "w") as file:
        file["losses"] = [1.0, 2.0]
    Path("notes.h5").write_text("my notes")
    assert landscape("compute", "run.yaml")[0] == 0
    shutil.copy("s.directions.h5", "d.h5")
    assert landscape("trajectory", "run.yaml", "--checkpoints", "net*.pt", "-o", "t.h5")[0] == 0
    for name in ("theirs.h5", "notes.h5", "d.h5", "t.h5", "net.pt", "example.py"):
        for overwrite in ((), ("--overwrite",)):
            refused(landscape, "compute", "run.yaml", "-o", name, *overwrite)
            refused(landscape, "merge", name, "s.h5", *overwrite)


def test_a_damaged_surface_and_an_empty_file_are_overwritten(landscape, place):
    assert landscape("compute", "run.yaml")[0] == 0
    whole = Path("s.h5").read_bytes()
    for damaged in (b"", whole[: len(whole) - 100], whole.replace(b"complete", b"c0mplete")):
        Path("s.h5").write_bytes(damaged)
        assert landscape("compute", "run.yaml", "--overwrite")[0] == 0
        assert read_surface("s.h5").complete


def test_directions_without_a_surface_are_kept_unless_they_are_the_same(landscape, place):
    assert landscape("compute", "run.yaml")[0] == 0
    os.remove("s.h5")
    before = Path("s.directions.h5").read_bytes()
    words = ("s.directions.h5' has other directions, but no surface s.h5 beside it",)
    refused(landscape, "compute", "run.yaml", "--seed", 5, words=words)
    assert Path("s.directions.h5").read_bytes() == before
    assert not Path("s.h5").exists()
    assert landscape("compute", "run.yaml")[0] == 0
    assert landscape("compute", "run.yaml", "--seed", 5, "--overwrite")[0] == 0
    assert Path("s.directions.h5").read_bytes() != before


@pytest.mark.parametrize("there", [True, False])
def test_an_output_is_written_through_a_link(landscape, place, there):
    Path("far").mkdir()
    if there:
        Path("far/real.h5").touch()
    os.symlink("far/real.h5", "s.h5")
    arguments = ("--overwrite",) if there else ()
    assert landscape("compute", "run.yaml", *arguments)[0] == 0
    assert os.readlink("s.h5") == "far/real.h5"
    assert read_surface("far/real.h5").complete
    assert sorted(os.listdir("far")) == ["real.h5"]
    assert "nothing to do" in landscape("compute", "run.yaml")[1]
    os.symlink("far/real.png", "s.png")
    assert landscape("plot", "s.h5", "--dpi", 30)[0] == 0
    assert os.readlink("s.png") == "far/real.png"
    assert Path("far/real.png").read_bytes().startswith(b"\x89PNG")
    os.symlink("far/real.csv", "s.csv")
    assert landscape("export", "s.h5", "--to", "csv")[0] == 0
    assert os.path.islink("s.csv")
    assert sorted(os.listdir("far")) == ["real.csv", "real.h5", "real.png"]


def test_a_link_and_its_file_have_one_lock(landscape, place):
    Path("far").mkdir()
    os.symlink("far/real.h5", "s.h5")
    with Lock(Path("far/real.h5").absolute()) as lock:
        lock.take()
        words = ("is being written by the run with pid",)
        lock._beat = 1
        refused(landscape, "compute", "run.yaml", words=words)
    assert landscape("compute", "run.yaml")[0] == 0


@pytest.mark.usefixtures("intact")
def test_a_lock_in_the_place_of_an_input(landscape, place):
    shutil.copy("net.pt", "q.h5.lock")
    for output in ("q.h5", "sub/../q.h5"):
        Path("sub").mkdir(exist_ok=True)
        config = place.config(checkpoint="q.h5.lock", name="b.yaml")
        words = ("q.h5.lock' would replace q.h5.lock, which the run reads",)
        refused(landscape, "compute", config, "-o", output, words=words)
    shutil.copy("run.yaml", "r.h5.lock")
    refused(landscape, "compute", "r.h5.lock", "-o", "r.h5", words=("is the configuration",))
    os.mkfifo("p.h5.lock")
    refused(landscape, "compute", "run.yaml", "-o", "p.h5", words=("is a pipe",))
    os.remove("b.yaml")


def test_pipes_and_devices_are_no_outputs(landscape, place):
    write_surface("in.h5", surface(lambda x, y: x + y))
    os.mkfifo("pipe.h5")
    os.mkfifo("pipe.png")
    os.mkfifo("pipe.csv")
    os.symlink("loop.h5", "loop.h5")
    os.symlink("/dev/null", "null.h5")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket.h5")
        for name in ("pipe.h5", "loop.h5", "null.h5", "socket.h5", "/dev/null"):
            refused(landscape, "compute", "run.yaml", "-o", name, "--overwrite")
            refused(landscape, "merge", name, "in.h5", "--overwrite")
            refused(landscape, "trajectory", "run.yaml", "--checkpoints", "net.pt", "-o", name)
    refused(landscape, "plot", "in.h5", "-o", "pipe.png", words=("is a pipe; name a file",))
    refused(landscape, "export", "in.h5", "-o", "pipe.csv", words=("is a pipe; name a file",))
    refused(landscape, "export", "in.h5", "--to", "csv", "-o", "/dev/null", words=("a device",))
    refused(landscape, "animate", "in.h5", "in.h5", "-o", "/dev/stdout")
    Path("logs").mkdir()
    os.mkfifo("logs/rank-0000.log")
    refused(landscape, "compute", "run.yaml", "--log-dir", "logs", words=("no log; name anoth",))
    assert Path("pipe.h5").is_fifo()


@pytest.mark.usefixtures("intact")
def test_a_log_is_appended_to_logs_only(landscape, place):
    Path("rank-0000.log").write_text("my notes\n")
    refused(landscape, "compute", "run.yaml", "--log-dir", ".", words=("already and no log",))
    os.remove("rank-0000.log")
    for _ in range(2):
        assert landscape("compute", "run.yaml", "--log-dir", "logs")[0] == 0
    os.remove("rank-0000.log") if Path("rank-0000.log").exists() else None


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_pictures_and_exports_leave_their_inputs_alone(landscape, workplace, spelling):
    write_surface("in.png", surface(lambda x, y: x + y))
    before = Path("in.png").read_bytes()
    other = spelling("in.png")
    for arguments in (
        ("plot", "in.png", "-o", "in.png"),
        ("plot", other),
        ("export", "in.png", "--to", "csv", "-o", other),
        ("export", other, "--to", "npz", "-o", "in.png"),
    ):
        if arguments != ("plot", "link.h5") and arguments != ("plot", "hard.h5"):
            refused(landscape, *arguments)
    assert Path("in.png").read_bytes() == before
    with pytest.raises(LandscapeError, match="in.png"):
        export(read_surface("in.png"), "in.png", "csv")
    assert Path("in.png").read_bytes() == before


def test_files_of_another_kind_are_not_replaced(landscape, workplace):
    write_surface("in.h5", surface(lambda x, y: x + y))
    for name in ("notes.png", "notes.pdf", "notes.svg", "notes.csv", "notes.npz", "notes.gif"):
        Path(name).write_text("not, at all, a picture")
        command = ("export", "in.h5") if name[-3:] in ("csv", "npz") else ("plot", "in.h5")
        command = ("animate", "in.h5", "in.h5") if name.endswith("gif") else command
        command += () if command[0] == "export" else ("--dpi", 30)
        words = (f"--output {name}: is there already, and no {name[-3:]} file; name another",)
        refused(landscape, *command, "-o", name, words=words)
        assert Path(name).read_text() == "not, at all, a picture"
        os.remove(name)
        for _ in range(2 if name in ("notes.png", "notes.csv") else 1):
            assert landscape(*command, "-o", name)[0] == 0


def test_two_exports_do_not_share_a_file(landscape, workplace):
    for name in ("a.h5", "a.hdf5"):
        write_surface(name, surface(lambda x, y: x + y))
    words = ("a.hdf5 and a.h5 would both become a.csv",)
    refused(landscape, "export", "a.h5", "a.hdf5", "--to", "csv", words=words)
    assert not Path("a.csv").exists()


def test_merging_and_importing(landscape, place):
    for part in ("1/2", "2/2"):
        assert landscape("compute", "run.yaml", "--shard", part)[0] == 0
    shards = ("s.shard-1-of-2.h5", "s.shard-2-of-2.h5")
    os.rename(shards[0], "m.directions.h5")
    words = ("m.h5 would replace m.directions.h5; name another file",)
    refused(landscape, "merge", "m.h5", "m.directions.h5", shards[1], words=words)
    os.rename("m.directions.h5", shards[0])
    assert landscape("compute", "run.yaml", "--seed", 7, "-o", "n.h5")[0] == 0
    os.remove("n.h5")
    before = Path("n.directions.h5").read_bytes()
    refused(landscape, "merge", "n.h5", *shards, words=("has other directions than",))
    assert Path("n.directions.h5").read_bytes() == before
    assert landscape("merge", "n.h5", *shards, "--overwrite")[0] == 0
    with h5py.File("old.h5", "w") as file:
        file["xcoordinates"], file["train_loss"] = [0.0, 1.0], [1.0, 2.0]
    for spelling in SPELLINGS:
        refused(landscape, "import", "old.h5", "-o", spelling("old.h5"), "--overwrite")
    Path("notes.h5").write_text("notes")
    refused(landscape, "import", "old.h5", "-o", "notes.h5", "--overwrite")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.usefixtures("intact")
def test_a_trajectory_replaces_trajectories_only(landscape, place, spelling):
    config = place.config(checkpoint="net.pt", name="b.yaml")
    for name in ("net.pt", config):
        refused(landscape, "trajectory", config, "--checkpoints", "net.pt", "-o", spelling(name))
        unlink_all()
    write_surface("other.h5", surface(lambda x, y: x + y))
    words = ("other.h5' is there already, a file with a surface and not one with a trajectory",)
    arguments = ("trajectory", config, "--checkpoints", "net*.pt", "-o")
    refused(landscape, *arguments, "other.h5", words=words)
    assert read_surface("other.h5").complete
    for _ in range(2):
        assert landscape(*arguments, "t.h5")[0] == 0
    os.remove(config)


def test_python_functions_refuse_the_same(place):
    from example import regression

    from landscape_cli import compute

    torch.save(WEIGHTS, "in.h5")
    before = Path("in.h5").read_bytes()
    grid = {"x": (-1, 1, 3)}
    for overwrite in (False, True):
        for keys in ({"checkpoint": "in.h5"}, {}):
            with pytest.raises(LandscapeError):
                compute(regression(), grid, output="in.h5", overwrite=overwrite, **keys)
    assert Path("in.h5").read_bytes() == before
