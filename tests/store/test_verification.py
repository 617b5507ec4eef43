"""Damaged and swapped files, as every command that reads them sees them."""

import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import builders
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.store import write_surface
from landscape_cli.store.trajectory_file import Plane, write_trajectory
from support.hdf5 import unsealed
from support.surfaces import forget

EARLIER = Path(__file__).parents[1] / "data" / "earlier_files" / "complete"
SMALL = {"grid": {"x": [-1, 1, 3], "y": [-1, 1, 3]}}


@pytest.fixture
def computed(workplace, surface_of):
    """Compute a small surface; return its configuration."""
    config = workplace.config(**SMALL)
    surface_of(config)
    return config


def flip(path, array):
    """Change a byte of the first number of an array on disk."""
    with h5py.File(path) as file:
        place = file[array].id.get_chunk_info(0).byte_offset
    content = bytearray(Path(path).read_bytes())
    content[place + 1] ^= 0x40
    Path(path).write_bytes(content)


def test_verify_says_what_was_checked(landscape, computed):
    code, out, err = landscape("info", "--verify", "surface.h5")
    assert (code, err) == (0, "")
    surface, directions = out.splitlines()
    assert re.fullmatch(
        r".*/surface.h5: \d+ arrays and 5 attributes match their checksums", surface
    )
    assert "surface.directions.h5: " in directions
    assert directions.endswith("match their checksums; SHA-256 of x, y as the surface records")
    code, out, _ = landscape("info", "--verify", "surface.directions.h5")
    assert code == 0
    assert out.endswith("match their checksums; directions: x, y\n")
    code, _, err = landscape("info", "--verify", "--json", "surface.h5")
    assert code == 2
    assert "--verify" in err


@pytest.mark.parametrize("name", ["exact", "adaptive", "random"])
def test_verify_reads_files_of_earlier_versions(landscape, name):
    code, out, err = landscape("info", "--verify", EARLIER / f"{name}.h5")
    assert (code, err) == (0, "")
    assert out.count("readable, but without checksums") == 2
    assert "as the surface records" in out


def test_verify_refuses_other_files(landscape, workplace):
    with h5py.File("other.h5", "w") as file:
        file["data"] = [1]
    for path, words in (("other.h5", "not a surface made by"), (".", "a folder, pipe or device")):
        code, out, err = landscape("info", "--verify", path)
        assert (code, out) == (2, "")
        assert words in err


@pytest.mark.parametrize(
    "array", ["values/train/loss", "stderr/train/loss", "status", "seconds", "rank", "axes/y"]
)
def test_every_command_refuses_a_damaged_surface_by_name(landscape, computed, array):
    flip("surface.h5", array)
    for command in (
        ["info", "surface.h5"],
        ["info", "--verify", "surface.h5"],
        ["describe", "surface.h5"],
        ["plot", "surface.h5", "--output", "new.png"],
        ["export", "surface.h5", "--output", "new.npz"],
        ["merge", "new.h5", "surface.h5"],
        ["compute", computed, "--resume"],
    ):
        code, out, err = landscape(*command)
        assert (code, out) == (2, ""), command
        assert f"surface.h5: a damaged surface file ({array} does not match its checksum)" in err
        assert err.count("\n") == 1
        assert not list(Path().glob("new*"))


def test_an_array_that_only_other_programs_read_is_verified(landscape, workplace):
    surface = builders.surface({("train", "accuracy"): builders.bowl}, provenance={})
    write_surface("surface.h5", surface)
    with h5py.File("surface.h5", "r+") as file:
        file["train_acc"][0, 0] = 5
    assert landscape("info", "surface.h5")[0] == 0
    code, _, err = landscape("info", "--verify", "surface.h5")
    assert code == 2
    assert "(train_acc does not match its checksum)" in err


def along(workplace, path):
    """Write the configuration of a line along a stored direction."""
    section = {"x": {"kind": "file", "path": path}}
    return workplace.config(name="line.yaml", grid={"x": [-1, 1, 3]}, directions=section)


def test_damaged_directions_are_refused_wherever_they_are_read(landscape, workplace, computed):
    shutil.copy("surface.directions.h5", "intact.h5")
    flip("surface.directions.h5", "xdirection/0")
    shutil.copy("surface.directions.h5", "copied.h5")
    forget("surface.h5", [3, 4])
    line = along(workplace, "copied.h5")
    for command in (
        ["info", "--verify", "surface.h5"],
        ["info", "--verify", "copied.h5"],
        ["merge", "new.h5", "surface.h5"],
        ["compute", line, "--output", "new.h5"],
        ["compute", computed, "--resume"],
    ):
        code, _, err = landscape(*command)
        assert code == 2, command
        assert "damaged directions file (xdirection/0 does not match its checksum)" in err
        assert not list(Path().glob("new*"))
    assert "move that file away, and the same command writes it again" in err
    Path("surface.directions.h5").unlink()
    assert landscape("compute", computed, "--resume")[0] == 0
    with h5py.File("intact.h5") as intact, h5py.File("surface.directions.h5") as written:
        np.testing.assert_array_equal(intact["xdirection/0"], written["xdirection/0"])


def test_directions_of_another_surface_are_refused(landscape, workplace, computed, surface_of):
    """A file that is whole, but not the one that belongs here."""
    other = workplace.config(
        name="other.yaml", **SMALL, directions={"x": {"seed": 7}, "y": {"seed": 8}}
    )
    surface_of(other, "--output", "other.h5", output="other.h5")
    shutil.copy("other.directions.h5", "surface.directions.h5")
    forget("surface.h5", [3, 4])
    for command in (
        ["info", "--verify", "surface.h5"],
        ["merge", "new.h5", "surface.h5"],
        ["compute", computed, "--resume"],
    ):
        code, _, err = landscape(*command)
        assert code == 2, command
        assert "xdirection is not the direction that the surface records" in err


def test_damaged_directions_of_an_earlier_version_are_refused(landscape, workplace, computed):
    with unsealed("surface.directions.h5") as file:
        file["xdirection/0"][0] += 1
    line = along(workplace, "surface.directions.h5")
    code, _, err = landscape("compute", line, "--output", "new.h5")
    assert code == 2
    assert "xdirection does not match its SHA-256" in err


def test_verify_reads_trajectories(landscape, workplace):
    tensors = {"w": np.ones((2, 3))}
    plane = Plane(dict.fromkeys("xy", tensors), {"x": {}, "y": {}}, {"x": (0.0, 1.0)}, "a", "b", {})
    path = Trajectory(np.ones((2, 2)), np.ones(2), ("start", "end"))
    write_trajectory(Path("t.h5"), plane, path)
    code, out, err = landscape("info", "--verify", "t.h5")
    assert (code, err) == (0, "")
    assert out.endswith("match their checksums; directions: x, y\n")
    for array in ("trajectory/residuals", "ydirection/0", "proj_xcoord"):
        write_trajectory(Path("t.h5"), plane, path)
        flip("t.h5", array)
        code, out, err = landscape("info", "--verify", "t.h5")
        assert (code, out) == (2, "")
        assert f"{array} does not match its checksum" in err
