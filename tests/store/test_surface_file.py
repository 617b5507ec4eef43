import json

import h5py
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import builders
from landscape_cli.errors import StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import TileResult
from landscape_cli.store import (
    Recorder,
    check_writable,
    directions_path,
    empty_surface,
    read_surface,
    write_directions,
    write_surface,
)
from support.hdf5 import unsealed


def surface(grid, seed=0, **more):
    random = np.random.default_rng(seed)
    names = [(split, name) for split in ("train", "test") for name in ("loss", "accuracy")]
    return builders.surface(
        {name: random.random(grid.shape) for name in names},
        *grid.axes.values(),
        repeats=grid.repeats,
        stderr={name: random.random(grid.shape) for name in names},
        seconds=random.random(grid.shape),
        config={"problem": "a:b", "splits": ["train", "test"]},
        provenance={"micro_batch": 64},
        **more,
    )


def same(a, b):
    assert a.grid == b.grid
    assert dict(a.config) == dict(b.config)
    assert dict(a.provenance) == dict(b.provenance)
    for group in ("values", "stderr"):
        assert set(getattr(a, group)) == set(getattr(b, group))
        for name, array in getattr(a, group).items():
            np.testing.assert_array_equal(getattr(b, group)[name], array)
    for name in ("status", "seconds", "rank"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert getattr(a, name).dtype == getattr(b, name).dtype


axes = st.builds(
    lambda low, points: Axis(low, low + 2, points), st.floats(-9, 9), st.integers(2, 7)
)


@given(st.lists(axes, min_size=1, max_size=3), st.integers(0, 99), st.integers(1, 3))
def test_a_surface_survives_its_file(tmp_path, some, seed, repeats):
    written = surface(Grid(dict(zip("xyz", some, strict=False)), repeats), seed)
    write_surface(tmp_path / "s.h5", written)
    same(read_surface(tmp_path / "s.h5"), written)


def test_special_values_survive(tmp_path):
    written = surface(Grid({"x": Axis(0, 1, 4)}))
    written.values["train", "loss"][:] = [np.nan, np.inf, -np.inf, 1e300]
    written.status[:] = [0, 2, 2, 3]
    write_surface(tmp_path / "s.h5", written)
    same(read_surface(tmp_path / "s.h5"), written)


def test_the_layout_of_a_plane_as_plain_h5py_sees_it(tmp_path):
    grid = Grid({"x": Axis(-1, 1, 51), "y": Axis(-1, 1, 51)})
    written = surface(grid)
    write_surface(tmp_path / "s.h5", written)
    with h5py.File(tmp_path / "s.h5") as file:
        assert file.attrs["format"] == "loss-landscape"
        assert file.attrs["format_version"] == 1
        assert bool(file.attrs["complete"]) is True
        assert yaml.safe_load(file.attrs["config"])["problem"] == "a:b"
        assert json.loads(file.attrs["provenance"])["micro_batch"] == 64
        for axis in "xy":
            np.testing.assert_allclose(file[f"axes/{axis}"], np.linspace(-1, 1, 51), atol=1e-15)
            assert file[f"axes/{axis}"] == file[f"{axis}coordinates"]
        for split in ("train", "test"):
            for name in ("loss", "accuracy"):
                for group in ("values", "stderr"):
                    data = file[f"{group}/{split}/{name}"]
                    assert data.shape == (51, 51)
                    assert data.dtype == np.float64
                np.testing.assert_array_equal(
                    file[f"values/{split}/{name}"], written.values[split, name]
                )
            assert file[f"{split}_loss"] == file[f"values/{split}/loss"]
            np.testing.assert_allclose(
                file[f"{split}_acc"], 100 * written.values[split, "accuracy"], rtol=1e-15
            )
        kinds = {
            name: (file[name].dtype, file[name].shape) for name in ("status", "seconds", "rank")
        }
        assert kinds == {
            "status": (np.uint8, (51, 51)),
            "seconds": (np.float32, (51, 51)),
            "rank": (np.int32, (51, 51)),
        }


def test_a_line_has_no_y(tmp_path):
    write_surface(tmp_path / "s.h5", surface(Grid({"x": Axis(0, 1, 3)})))
    with h5py.File(tmp_path / "s.h5") as file:
        assert list(file["axes"]) == ["x"]
        assert "ycoordinates" not in file
        assert file["train_loss"].shape == (3,)


def test_repeats_as_plain_h5py_sees_them(tmp_path):
    written = surface(Grid({"x": Axis(0, 1, 3), "y": Axis(0, 1, 2)}, 4))
    written.values["test", "loss"][1, 0, 2] = np.nan
    write_surface(tmp_path / "s.h5", written)
    with h5py.File(tmp_path / "s.h5") as file:
        assert file.attrs["repeats"] == 4
        assert file["values/train/loss"].shape == file["status"].shape == (4, 2, 3)
        assert file["xcoordinates"].shape == (3,)
        loss, accuracy = written.values["train", "loss"], written.values["train", "accuracy"]
        np.testing.assert_allclose(file["train_loss"], loss.sum(axis=0) / 4, rtol=1e-14)
        np.testing.assert_allclose(file["train_acc"], 25 * accuracy.sum(axis=0), rtol=1e-14)
        assert np.isnan(file["test_loss"][()]).tolist() == [[False, False, True], [False] * 3]
    write_surface(tmp_path / "s.h5", surface(Grid({"x": Axis(0, 1, 3)})))
    with h5py.File(tmp_path / "s.h5") as file:
        assert "repeats" not in file.attrs


@pytest.mark.parametrize("repeats", [0, -1, 1, 3, 10**12, np.nan, np.inf, "two", [2, 2], None])
def test_a_wrong_number_of_repeats_is_refused(tmp_path, repeats):
    write_surface(tmp_path / "s.h5", surface(Grid({"x": Axis(0, 1, 3)}, 2)))
    with unsealed(tmp_path / "s.h5") as file:
        del file.attrs["repeats"]
        if repeats is not None:
            file.attrs["repeats"] = repeats
    with pytest.raises(StoreError, match="damaged surface file"):
        read_surface(tmp_path / "s.h5")


def test_long_provenance_is_kept(tmp_path):
    written = surface(Grid({"x": Axis(0, 1, 3)}))
    written.provenance["ranks"] = ["host" * 50] * 2000
    write_surface(tmp_path / "s.h5", written)
    assert len(read_surface(tmp_path / "s.h5").provenance["ranks"]) == 2000


def test_foreign_files_are_refused(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere.h5: no such file"):
        read_surface(tmp_path / "nowhere.h5")
    with pytest.raises(StoreError, match="a folder, pipe or device"):
        read_surface(tmp_path)
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(StoreError, match="not an HDF5 file, or a damaged one"):
        read_surface(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = [1, 2]
    with pytest.raises(StoreError, match="not a surface made by"):
        read_surface(tmp_path / "other.h5")


def test_a_newer_version_is_refused(tmp_path):
    write_surface(tmp_path / "s.h5", surface(Grid({"x": Axis(0, 1, 3)})))
    with unsealed(tmp_path / "s.h5") as file:
        file.attrs["format_version"] = 2
    with pytest.raises(StoreError, match="format_version 2 is newer than 1.*install a newer"):
        read_surface(tmp_path / "s.h5")


@pytest.mark.parametrize("name", ["status", "axes", "seconds", "values/train/loss"])
def test_missing_or_misshaped_parts_are_refused(tmp_path, name):
    write_surface(tmp_path / "s.h5", surface(Grid({"x": Axis(0, 1, 3)})))
    with unsealed(tmp_path / "s.h5") as file:
        del file[name]
        if name.startswith("values"):
            file[name] = np.zeros(7)
    with pytest.raises(StoreError, match="damaged surface file"):
        read_surface(tmp_path / "s.h5")


@settings(max_examples=60)
@given(st.data())
def test_truncated_files_are_refused(tmp_path, data):
    path = tmp_path / "s.h5"
    write_surface(path, surface(Grid({"x": Axis(0, 1, 9), "y": Axis(0, 1, 9)})))
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(StoreError):
        read_surface(path)


@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_are_refused(tmp_path, content, signed):
    (tmp_path / "s.h5").write_bytes((b"\x89HDF\r\n\x1a\n" if signed else b"") + content)
    with pytest.raises(StoreError):
        read_surface(tmp_path / "s.h5")


def test_paths_that_cannot_be_written_are_refused(tmp_path):
    one = surface(Grid({"x": Axis(0, 1, 3)}))
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "s.h5"):
        with pytest.raises(StoreError, match="output: "):
            check_writable(path)
        with pytest.raises(StoreError, match="output: can't write"):
            write_surface(path, one)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "s.h5"
    one = surface(Grid({"x": Axis(0, 1, 3)}))
    write_surface(path, one)
    bad = surface(Grid({"x": Axis(0, 1, 3)}))
    bad.values["train", "loss/."] = np.zeros(3)  # no name for a data set
    with pytest.raises(StoreError):
        write_surface(path, bad)
    same(read_surface(path), one)
    assert [p.name for p in tmp_path.iterdir()] == ["s.h5"]


def result(indices, value):
    values = {("train", "loss"): np.full(len(indices), float(value))}
    return TileResult(tuple(indices), values, values, np.full(len(indices), 0.5, np.float32), 3)


def test_a_recorder_collects_tiles_and_publishes(tmp_path):
    grid = Grid({"x": Axis(0, 1, 3), "y": Axis(0, 1, 2)})
    recorder = Recorder(tmp_path / "s.h5", empty_surface(grid, {}, {}))
    assert recorder.todo.tolist() == [0, 1, 2, 3, 4, 5]
    recorder.publish()
    assert read_surface(tmp_path / "s.h5").done == 0
    recorder.add(result([1, 5], 7))
    recorder.add(result([0], np.inf))
    recorder.publish()
    stored = read_surface(tmp_path / "s.h5")
    nan = np.nan
    np.testing.assert_array_equal(stored.values["train", "loss"], [[np.inf, 7, nan], [nan, nan, 7]])
    np.testing.assert_array_equal(stored.status, [[2, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(stored.rank, [[3, 3, -1], [-1, -1, 3]])
    assert not stored.complete
    again = Recorder(tmp_path / "s.h5", stored)
    assert again.todo.tolist() == [2, 3, 4]


def test_publishing_is_not_due_right_after_publishing(tmp_path):
    recorder = Recorder(tmp_path / "s.h5", empty_surface(Grid({"x": Axis(0, 1, 3)}), {}, {}))
    recorder.publish_if_due()
    recorder.add(result([0], 1))
    recorder.publish_if_due()
    assert read_surface(tmp_path / "s.h5").done == 0


def test_directions_are_stored_in_the_older_tool_s_layout(tmp_path):
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    tensors = {"a.weight": weight, "a.bias": np.zeros(2, np.float32)}

    def pieces():
        yield "a.weight", (slice(0, 1),), weight[:1]
        yield "a.weight", (1,), weight[1]
        yield "a.bias", ..., tensors["a.bias"]

    path = write_directions(
        tmp_path / "runs" / "s.h5",
        {name: array.shape for name, array in tensors.items()},
        {"x": pieces, "y": pieces},
        {"x": {"kind": "random", "seed": 1}, "y": {"kind": "random", "seed": 2}},
    )
    assert path == directions_path(tmp_path / "runs" / "s.h5") == tmp_path / "runs/s.directions.h5"
    with h5py.File(path) as file:
        assert list(file) == ["xdirection", "ydirection"]
        assert list(file["xdirection"]) == ["0", "1"]
        assert file["xdirection/0"].attrs["name"] == "a.weight"
        assert file["ydirection"].attrs["seed"] == 2
        np.testing.assert_array_equal(file["xdirection/0"], tensors["a.weight"])
