import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from landscape_cli.errors import StoreError
from landscape_cli.store import directions_path, read_direction, write_directions
from support.hdf5 import unsealed

TENSORS = st.lists(
    arrays(np.float32, array_shapes(min_dims=0, max_dims=4)), min_size=1, max_size=12
)


def older_write(path, **directions):
    """Write lists of arrays as `loss-landscape` does: by position, without names."""
    with h5py.File(path, "w") as file:
        for group, tensors in directions.items():
            for number, tensor in enumerate(tensors):
                file.create_dataset(f"{group}/{number}", data=tensor)


def older_read(path, group):
    """Read such a list as that tool does: it counts the members and reads each number."""
    with h5py.File(path) as file:
        return [file[group][str(number)][()] for number in range(len(file[group]))]


@settings(max_examples=30)
@given(TENSORS)
def test_the_other_tools_directions_are_read_in_order_without_names(tmp_path, tensors):
    older_write(tmp_path / "old.h5", xdirection=tensors, ydirection=tensors[::-1])
    for axis, written in (("x", tensors), ("y", tensors[::-1])):
        read = read_direction(tmp_path / "old.h5", axis)
        assert len(read) == len(written)
        for (name, array), tensor in zip(read, written, strict=True):
            assert name is None
            assert array.shape == tensor.shape
            np.testing.assert_array_equal(array, tensor)


@settings(max_examples=30)
@given(TENSORS)
def test_both_tools_read_our_directions(tmp_path, tensors):
    named = {f"layer{number}.weight": tensor for number, tensor in enumerate(tensors)}

    def pieces():
        for name, tensor in named.items():
            yield name, ..., tensor

    shapes = {name: tensor.shape for name, tensor in named.items()}
    path = write_directions(tmp_path / "s.h5", shapes, {"x": pieces}, {"x": {"seed": 1}})
    assert path == directions_path(tmp_path / "s.h5")
    ours = read_direction(path, "x")
    assert [name for name, _ in ours] == list(named)
    for (_, array), theirs, tensor in zip(
        ours, older_read(path, "xdirection"), tensors, strict=True
    ):
        np.testing.assert_array_equal(array, tensor)
        np.testing.assert_array_equal(theirs, tensor)


def test_counters_doubles_and_foreign_byte_orders_are_read(tmp_path):
    tensors = [np.arange(3, dtype=">f8"), np.array(7), np.zeros((2, 0), np.float16)]
    older_write(tmp_path / "old.h5", xdirection=tensors)
    read = [array for _, array in read_direction(tmp_path / "old.h5", "x")]
    assert [array.dtype for array in read] == [np.float64, np.int64, np.float16]
    assert [array.shape for array in read] == [(3,), (), (2, 0)]
    assert read[0].dtype.isnative
    assert read[0].tolist() == [0, 1, 2]


def test_a_missing_direction_is_refused(tmp_path):
    path = tmp_path / "old.h5"
    older_write(path, xdirection=[np.ones(2)])
    with pytest.raises(StoreError) as caught:
        read_direction(path, "y")
    assert str(caught.value) == (
        f"{path}: no direction for axis 'y' (there is no group ydirection); the file has x: "
        "choose one with the key axis"
    )
    with h5py.File(path, "w") as file:
        file["proj_xcoord"] = [1.0]
    with pytest.raises(StoreError, match="the file holds proj_xcoord: name a directions file"):
        read_direction(path, "x")


def test_damaged_directions_are_refused(tmp_path):
    path = tmp_path / "old.h5"
    with pytest.raises(StoreError, match="no such file"):
        read_direction(path, "x")
    path.write_text("text")
    with pytest.raises(StoreError, match="not an HDF5 file"):
        read_direction(path, "x")
    older_write(path, xdirection=[np.ones(2), np.ones(3)])
    with unsealed(path) as file:
        del file["xdirection/0"]
        file["ydirection/0"] = "text"
        file.create_group("zdirection")
    with pytest.raises(StoreError, match="xdirection has 1 tensors, but none called 0"):
        read_direction(path, "x")
    with pytest.raises(StoreError, match="ydirection/0 holds no numbers"):
        read_direction(path, "y")
    with pytest.raises(StoreError, match="zdirection holds no tensors"):
        read_direction(path, "z")


def test_a_name_that_is_not_text_is_refused(tmp_path):
    """HDF5 aborts the process if such a name is damaged too."""
    path = tmp_path / "old.h5"
    older_write(path, xdirection=[np.ones(2)])
    with unsealed(path) as file:
        numbers = np.empty((), dtype=h5py.vlen_dtype(np.uint8))
        numbers[()] = np.arange(3, dtype=np.uint8)
        file["xdirection/0"].attrs.create("name", numbers, dtype=numbers.dtype)
    with pytest.raises(StoreError, match=r"a damaged directions file \(attribute name is neither"):
        read_direction(path, "x")
