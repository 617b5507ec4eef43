"""Tests on surface files of `loss-landscape`, written here as that tool writes them."""

from contextlib import suppress

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_cli.errors import StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.surface import Surface
from landscape_cli.store import read_older_surface, read_surface, write_surface


def older(path, x, y=None, loss=lambda x, y: 1 + x + 10 * y, points=None, names=("train",)):
    """Write a surface as that tool does: arrays of shape (nx, ny), filled by flat indices.

    The first ``points`` are computed; accuracies are the losses plus 50.
    """
    with h5py.File(path, "w") as file:
        file["dir_file"] = "nets/model_300.t7_weights_xignore=biasbn_xnorm=filter.h5"
        file["xcoordinates"] = x
        shape = (len(x),)
        places = [(a, 0.0) for a in x]
        if y is not None:
            file["ycoordinates"] = y
            shape = (len(x), len(y))
            places = [(a, b) for b in y for a in x]
        for name in names:
            losses, accuracies = -np.ones(shape), -np.ones(shape)
            for index, place in enumerate(places[:points]):
                losses.ravel()[index] = loss(*place)
                accuracies.ravel()[index] = 50 + loss(*place)
            file[f"{name}_loss"], file[f"{name}_acc"] = losses, accuracies
    return path


def test_a_plane_that_is_not_square_is_reshaped(tmp_path):
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 3, 4)
    surface, notes = read_older_surface(older(tmp_path / "old.h5", x, y))
    assert surface.grid == Grid({"x": Axis(-1, 1, 5), "y": Axis(0, 3, 4)})
    expected = 1 + x[None, :] + 10 * y[:, None]
    np.testing.assert_array_equal(surface.values["train", "loss"], expected)
    np.testing.assert_array_equal(surface.values["train", "accuracy"], (50 + expected) / 100)
    assert not surface.stderr
    assert surface.complete
    assert notes == [
        "arrays of shape (5, 4) hold 4 rows of 5 points along x, one after the other, so their "
        "stored shape scrambles them: read as (4, 5)"
    ]


def test_correct_arrays_and_squares_are_kept(tmp_path):
    x, y = np.linspace(-1, 1, 5), np.linspace(0, 3, 4)
    with h5py.File(older(tmp_path / "old.h5", x, y), "r+") as file:
        for name in ("train_loss", "train_acc"):
            array = file[name][()].reshape(4, 5)
            del file[name]
            file[name] = array
    surface, notes = read_older_surface(tmp_path / "old.h5")
    assert surface.values["train", "loss"][3, 1] == 1 + x[1] + 10 * y[3]
    assert not notes
    surface, notes = read_older_surface(older(tmp_path / "square.h5", x, x))
    assert surface.values["train", "loss"][3, 1] == 1 + x[1] + 10 * x[3]
    assert not notes


def test_only_minus_one_is_to_do(tmp_path):
    def loss(x, y):
        return {0.0: np.nan, 1.0: np.inf, 2.0: 0.0}.get(x, x)

    path = older(tmp_path / "old.h5", np.arange(6.0), loss=loss, points=4)
    surface, _ = read_older_surface(path)
    assert surface.status.tolist() == [2, 2, 1, 1, 0, 0]
    nan = np.nan
    np.testing.assert_array_equal(surface.values["train", "loss"], [nan, np.inf, 0, 3, nan, nan])
    np.testing.assert_allclose(
        surface.values["train", "accuracy"], [nan, np.inf, 0.5, 0.53, nan, nan], rtol=1e-15
    )
    assert (surface.rank == -1).all()


def test_the_most_complete_splits_are_read(tmp_path):
    x = np.linspace(0, 1, 5)
    path = older(tmp_path / "old.h5", x, names=("train", "test"))
    surface, notes = read_older_surface(path)
    assert surface.splits == ("train", "test")
    assert not notes
    with h5py.File(path, "r+") as file:
        file["test_loss"][3:], file["test_acc"][3:] = -1, -1
        file["max_eig"] = np.ones(5)
    surface, notes = read_older_surface(path)
    assert surface.splits == ("train",)
    assert surface.complete
    assert notes == [
        "left out: test, with 3 points computed where train has 5; --split test reads only it",
        "left out: max_eig",
    ]
    surface, _ = read_older_surface(path, "test")
    assert surface.splits == ("test",)
    assert surface.done == 3
    with pytest.raises(StoreError, match="--split 'val': .* has values of train and test; choose"):
        read_older_surface(path, "val")


def test_descending_axes_are_reversed(tmp_path):
    x, y = np.linspace(1, -1, 3), np.linspace(2, 0, 5)
    surface, notes = read_older_surface(older(tmp_path / "old.h5", x, y))
    assert surface.grid == Grid({"x": Axis(-1, 1, 3), "y": Axis(0, 2, 5)})
    expected = 1 + x[None, ::-1] + 10 * y[::-1, None]
    np.testing.assert_array_equal(surface.values["train", "loss"], expected)
    assert "x descended from 1; it now ascends from -1" in notes


def test_the_file_records_its_origin(tmp_path):
    surface, _ = read_older_surface(older(tmp_path / "old.h5", np.linspace(0, 1, 3)))
    origin = surface.provenance["imported"]
    assert origin["path"] == str(tmp_path / "old.h5")
    assert len(origin["sha256"]) == 64
    assert origin["dir_file"] == "nets/model_300.t7_weights_xignore=biasbn_xnorm=filter.h5"
    label = surface.provenance["directions"]["x"]["label"]
    assert label == "direction of loss-landscape, filter-normalized"


@settings(max_examples=15)
@given(
    st.integers(1, 6),
    st.integers(1, 6),
    st.integers(1, 40),
    st.sampled_from([1.0, -2.0, np.nan, np.inf]),
)
def test_an_imported_surface_survives_our_file(tmp_path, nx, ny, points, value):
    x, y = np.linspace(-1, nx - 2, nx), np.linspace(0, ny - 1, ny)
    path = older(tmp_path / "old.h5", x, y, loss=lambda *place: value, points=points)
    surface, _ = read_older_surface(path)
    write_surface(tmp_path / "new.h5", surface)
    again = read_surface(tmp_path / "new.h5")
    assert again.grid == surface.grid
    assert again.done == min(points, nx * ny)
    for key, array in surface.values.items():
        np.testing.assert_array_equal(again.values[key], array)
    assert again.summary()["provenance"] == surface.provenance


def test_other_files_are_refused_with_their_use(tmp_path):
    def refusal(**content):
        path = tmp_path / "other.h5"
        with h5py.File(path, "w") as file:
            for name, value in content.items():
                file[name] = value
        with pytest.raises(StoreError) as caught:
            read_older_surface(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    assert "--trajectory" in refusal(proj_xcoord=[1.0], proj_ycoord=[1.0])
    assert ": directions, not a surface; " in refusal(**{"xdirection/0": [1.0]})
    pca = refusal(**{"xdirection/0": [1.0], "explained_variance_ratio_": [0.5, 0.3]})
    assert "PCA directions, not a surface; " in pca
    assert "{x: {kind: file, path: ...}}" in pca
    assert "it holds a, b" in refusal(a=1, b=2)
    assert "it holds nothing" in refusal()
    x = np.linspace(0, 1, 3)
    assert "has coordinates, but no values yet" in refusal(xcoordinates=x)
    assert "has shape (2,)" in refusal(xcoordinates=x, train_loss=[1.0, 2.0])
    assert "not equidistant" in refusal(xcoordinates=[0, 1, 3], train_loss=x)
    assert "xcoordinates has shape ()" in refusal(xcoordinates=0.0, train_loss=x)
    assert "finite" in refusal(xcoordinates=[0, np.nan], train_loss=[1.0, 2.0])
    assert "no numbers" in refusal(xcoordinates=x, train_loss=["a", "b", "c"])
    assert "train_loss is not an array" in refusal(**{"xcoordinates": x, "train_loss/a": x})


def test_our_own_surfaces_need_no_import(tmp_path):
    grid = Grid({"x": Axis(0, 1, 3)})
    ones = np.ones(3)
    status, seconds, rank = ones.astype(np.uint8), ones.astype(np.float32), ones.astype(np.int32)
    write_surface(tmp_path / "s.h5", Surface(grid, {}, {}, status, seconds, rank))
    with pytest.raises(StoreError, match="already a surface of `landscape`"):
        read_older_surface(tmp_path / "s.h5")


def test_an_array_larger_than_its_file_is_refused(tmp_path):
    path = older(tmp_path / "old.h5", np.linspace(0, 1, 3))
    with h5py.File(path, "r+") as file:
        del file["train_loss"]
        file.create_dataset("train_loss", (1 << 40,), np.float64, chunks=(1 << 20,))
    with pytest.raises(StoreError, match=r"shape \(1099511627776,\), more than the file holds"):
        read_older_surface(path)


@settings(max_examples=40)
@given(st.data())
def test_damaged_files_raise_only_clean_errors(tmp_path, data):
    path = older(tmp_path / "old.h5", np.linspace(0, 1, 5), np.linspace(0, 1, 3))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    with suppress(StoreError):
        read_older_surface(path)
