"""Tests of damage that HDF5 does not notice."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from landscape_cli.errors import StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.store import empty_surface, read_surface, write_surface
from landscape_cli.store.hdf5.damage import HEAP, check_damage
from support.hdf5 import unsealed


@pytest.fixture
def surface(tmp_path):
    path = tmp_path / "surface.h5"
    write_surface(path, empty_surface(Grid({"x": Axis(-1, 1, 5)}), {"problem": "a:b"}, {}))
    return path


def test_whole_files_are_accepted(surface, tmp_path):
    check_damage(surface)
    for number, libver in enumerate(["earliest", ("v110", "latest"), "latest"]):
        path = tmp_path / f"{number}.h5"
        with h5py.File(path, "w", libver=libver) as file:
            file.attrs["text"] = "some words " * 1000
            file["names"] = np.array(["one", "two"] * 3000, dtype=h5py.string_dtype())
        check_damage(path)


@pytest.mark.parametrize("change", [lambda text: text + b"more", lambda text: text[:-1]])
def test_a_changed_length_is_refused(surface, change):
    surface.write_bytes(change(surface.read_bytes()))
    with pytest.raises(
        StoreError, match=r"damaged one \(it has \d+ bytes, but its header says \d+\)"
    ):
        read_surface(surface)


@pytest.mark.parametrize("unused", [b"\0\0\0", b"\0E\0", b"\xff\xff\xff"])
def test_string_collections_that_loop_forever_are_refused(surface, unused):
    """HDF5 ignores the reserved bytes after the version."""
    text = bytearray(surface.read_bytes())
    start = text.index(HEAP)
    text[start + 5 : start + 8] = unused
    text[start + 16 : start + 32] = bytes(16)
    surface.write_bytes(text)
    with pytest.raises(StoreError, match=r"its strings at byte \d+ are damaged"):
        read_surface(surface)


def test_numbers_that_look_like_a_string_collection_are_accepted(tmp_path):
    path = tmp_path / "numbers.h5"
    with h5py.File(path, "w", libver=("v110", "latest")) as file:
        file["numbers"] = np.frombuffer(HEAP + bytes(range(1, 44)), dtype=np.uint8)
    check_damage(path)


def test_an_unknown_status_is_refused(surface):
    with unsealed(surface) as file:
        file["status"][2] = 9
    with pytest.raises(StoreError, match="there is no status 9"):
        read_surface(surface)


def test_short_and_other_files_are_left_to_hdf5(tmp_path):
    for text in (b"", b"short", b"some other file, longer than a head is" * 3):
        path = Path(tmp_path, "other.h5")
        path.write_bytes(text)
        check_damage(path)
        with pytest.raises(StoreError):
            read_surface(path)
