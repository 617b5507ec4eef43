"""Tests of damage that HDF5 does not notice."""

import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from landscape_cli.errors import StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.store import empty_surface, read_direction, read_surface, write_surface
from landscape_cli.store.hdf5.damage import HEAP, LOCAL_HEAP, SMALLEST_BLOCK, check_damage
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


@pytest.mark.parametrize("userblock", [0, 512])
@pytest.mark.parametrize("unused", [b"\0\0\0", b"\0E\0"])
@pytest.mark.parametrize("group", [0, 1])
def test_names_whose_free_blocks_lead_in_a_circle_are_refused(tmp_path, group, unused, userblock):
    """HDF5 would take memory for one block after the other, forever."""
    path = tmp_path / "directions.h5"
    with h5py.File(path, "w", libver="earliest", userblock_size=userblock) as file:
        for axis in "xy":
            for name in "01":
                file[f"{axis}direction/{name}"] = np.ones(3)
            del file[f"{axis}direction/1"]
    text = bytearray(path.read_bytes())
    start = -1
    for _ in range(group + 1):
        start = text.index(LOCAL_HEAP, start + 1)
    text[start + 5 : start + 8] = unused
    path.write_bytes(text)
    check_damage(path)

    _, block, names = struct.unpack_from("<QQQ", text, start + 8)
    second = block + SMALLEST_BLOCK
    struct.pack_into("<QQQQ", text, userblock + names + block, second, 16, block, 16)
    path.write_bytes(text)
    with pytest.raises(StoreError, match=rf"its names at byte {start} are damaged"):
        read_direction(path, "x")


def test_names_whose_free_blocks_are_elsewhere_are_left_to_hdf5(tmp_path):
    path = tmp_path / "directions.h5"
    with h5py.File(path, "w", libver="earliest") as file:
        file["xdirection/0"] = np.ones(3)
    text = bytearray(path.read_bytes())
    struct.pack_into("<Q", text, text.index(LOCAL_HEAP) + 16, len(text))
    path.write_bytes(text)
    check_damage(path)
    with pytest.raises(StoreError, match="damaged"):
        read_direction(path, "x")


@pytest.mark.parametrize("userblock", [0, 512])
def test_driver_information_larger_than_the_file_is_refused(tmp_path, userblock):
    """HDF5 would take the memory for it."""
    path = tmp_path / "directions.h5"
    with h5py.File(path, "w", libver="earliest", userblock_size=userblock) as file:
        file["xdirection/0"] = np.ones(3)
    text = bytearray(path.read_bytes())
    struct.pack_into("<Q", text, userblock + 48, 27)
    struct.pack_into("<I", text, userblock + 27 + 4, 2**31)
    path.write_bytes(text)
    with pytest.raises(StoreError, match=r"it claims 2147483648 bytes of driver information"):
        read_direction(path, "x")


@pytest.mark.parametrize("shape", [None, (200,), (2, 100), (2, 10, 10), (1, 1, 200, 1)])
@pytest.mark.parametrize("child", [0, 1])
@pytest.mark.parametrize("userblock", [0, 512])
def test_trees_that_lead_back_into_themselves_are_refused(tmp_path, shape, child, userblock):
    """HDF5 would crash on the chunks of an array; without a shape, on the names of a group."""
    path = tmp_path / "directions.h5"
    with h5py.File(path, "w", libver="earliest", userblock_size=userblock) as file:
        group = file.create_group("xdirection")
        if shape is None:
            for number in range(300):
                group[str(number)] = float(number)
        else:
            chunks = (1,) * len(shape)
            group.create_dataset("0", shape, data=np.ones(shape), chunks=chunks, fletcher32=True)
    text = bytearray(path.read_bytes())
    node = text.index(b"TREE" + bytes([shape is not None, 1]))
    assert struct.unpack_from("<H", text, node + 6)[0] > child
    check_damage(path)

    key = 8 if shape is None else 8 * (len(shape) + 2)
    struct.pack_into("<Q", text, node + 24 + key + child * (key + 8), node - userblock)
    path.write_bytes(text)
    with pytest.raises(StoreError, match=rf"its tree at byte {node} is damaged"):
        read_direction(path, "x")


def test_a_checkpoint_is_no_hdf5_file(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(torch.nn.Linear(9, 9).state_dict(), path)
    with pytest.raises(StoreError, match=r"not an HDF5 file.*signature not found"):
        read_direction(path, "x")


def test_numbers_that_look_like_a_string_collection_are_accepted(tmp_path):
    path = tmp_path / "numbers.h5"
    with h5py.File(path, "w", libver=("v110", "latest")) as file:
        file["numbers"] = np.frombuffer(HEAP + bytes(range(1, 44)), dtype=np.uint8)
        file["others"] = np.frombuffer(LOCAL_HEAP + bytes(range(1, 44)), dtype=np.uint8)
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
