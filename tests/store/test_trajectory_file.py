import math
from dataclasses import replace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_cli.errors import StoreError
from landscape_cli.records.dynamics.path_lengths import PathLengths
from landscape_cli.records.trajectory import Trajectory, markers_of
from landscape_cli.store.directions_file import read_direction
from landscape_cli.store.trajectory_file import (
    Plane,
    read_centre,
    read_trajectories,
    read_trajectory,
    write_trajectory,
)

NUMBERS = st.floats(-1e300, 1e300)


def plane(settings=None):
    tensors = {"weight": np.arange(6.0, dtype=np.float32).reshape(2, 3), "bias": np.float64(4)}
    return Plane(
        directions={"x": tensors, "y": {name: -array for name, array in tensors.items()}},
        attributes={"x": {"kind": "pca", "component": 1}, "y": {"kind": "pca", "component": 2}},
        ranges={"x": (-1.0, 2.0), "y": (-3.0, 4.0)},
        checkpoint="/runs/net.pt",
        sha256="ab" * 32,
        settings=settings or {},
    )


@st.composite
def trajectories(draw):
    count = draw(st.integers(0, 5))

    def several(values):
        return draw(st.lists(values, min_size=count, max_size=count))

    return Trajectory(
        coordinates=np.reshape(several(st.tuples(NUMBERS, NUMBERS)), (count, 2)).astype(float),
        residuals=np.array(several(NUMBERS), dtype=float),
        labels=tuple(several(st.text(st.characters(exclude_characters="\0", codec="utf-8")))),
        epochs=draw(st.none() | st.just(tuple(several(st.integers(0, 2**40))))),
        learning_rates=draw(st.none() | st.just(tuple(several(NUMBERS | st.just(math.nan))))),
        explained=draw(st.none() | st.tuples(NUMBERS, NUMBERS)),
        **draw(st.just({}) | st.builds(computed, st.just(count), st.integers(0, 2**32 - 1))),
    )


def computed(count, seed):
    """Return values, lengths and cosines as a run computes them, some of them not finite."""
    draw = np.random.default_rng(seed)

    def some(number):
        return np.where(draw.random(number) < 0.2, math.nan, draw.normal(size=number))

    odd = np.where(draw.random(count) < 0.2, draw.choice([-math.inf, math.inf], count), some(count))
    steps = max(0, count - 1)
    return {
        "name": "ünd",
        "values": {("train", "loss"): odd, ("test", "loss"): some(count)},
        "stderr": {("train", "loss"): some(count)},
        "lengths": PathLengths(some(count), some(count), some(steps), some(max(0, steps - 1))),
        "descent": some(steps),
        "parameters": 7,
    }


def same(one, other):
    np.testing.assert_array_equal(one.coordinates, other.coordinates)
    np.testing.assert_array_equal(one.residuals, other.residuals)
    assert one.labels == other.labels
    assert one.epochs == other.epochs
    np.testing.assert_array_equal(one.learning_rates, other.learning_rates)
    assert one.explained == other.explained
    assert (one.name, one.parameters) == (other.name, other.parameters)
    for name in ("values", "stderr"):
        np.testing.assert_equal(dict(getattr(one, name)), dict(getattr(other, name)))
    np.testing.assert_equal(one.descent, other.descent)
    assert (one.lengths is None) == (other.lengths is None)
    if one.lengths is not None:
        np.testing.assert_equal(vars(one.lengths), vars(other.lengths))


@settings(max_examples=40)
@given(trajectory=trajectories())
def test_a_path_survives_its_file(tmp_path, trajectory):
    write_trajectory(tmp_path / "path.h5", plane(), trajectory)
    same(read_trajectory(tmp_path / "path.h5"), trajectory)
    same(Trajectory.from_mapping(trajectory.as_mapping()), trajectory)


@settings(max_examples=20)
@given(paths=st.lists(trajectories(), min_size=1, max_size=4))
def test_paths_of_several_trainings_survive_their_file(tmp_path, paths):
    explained = paths[0].explained
    paths = [replace(one, explained=explained) for one in paths]
    write_trajectory(tmp_path / "path.h5", plane(), *paths)
    found = read_trajectories(tmp_path / "path.h5")
    assert len(found) == len(paths)
    for one, other in zip(found, paths, strict=True):
        same(one, other)
    same(read_trajectory(tmp_path / "path.h5"), paths[0])


def test_a_path_that_is_missing_between_others_is_noticed(tmp_path):
    write_trajectory(tmp_path / "path.h5", plane(), path(), path(), path())
    with h5py.File(tmp_path / "path.h5", "a") as file:
        del file["trajectory2"]
    with pytest.raises(StoreError, match="trajectory2"):
        read_trajectories(tmp_path / "path.h5")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"values": {"train": {"loss": [1.0]}}}, "1 values of train loss for 2 checkpoints"),
        ({"values": [1.0]}, "not as this program writes it"),
        ({"values": {"train": {"loss": ["low", 1]}}}, "not as this program writes it"),
        ({"descent": [0.5, 0.5]}, "2 cosines for 2 checkpoints"),
        ({"lengths": {"steps": [1.0]}}, "not as this program writes it"),
        (
            {"lengths": {key: [1.0] for key in ("from_start", "to_end", "steps", "cosines")}},
            "expected",
        ),
    ],
)
def test_malformed_values_are_refused(values, words):
    with pytest.raises(StoreError, match=words):
        Trajectory.from_mapping({"coordinates": [[1, 2], [3, 4]], **values})


def path(count=3):
    return Trajectory(
        np.arange(2.0 * count).reshape(count, 2),
        np.ones(count),
        tuple(f"epoch_{number}" for number in range(count)),
        explained=(0.7, 0.2),
    )


def test_directions_and_the_other_tools_datasets_are_written(tmp_path):
    write_trajectory(tmp_path / "path.h5", plane(), path())
    entries = read_direction(tmp_path / "path.h5", "y")
    assert [name for name, _ in entries] == ["weight", "bias"]
    assert entries[0][1].tolist() == [[0, -1, -2], [-3, -4, -5]]
    assert entries[0][1].dtype == np.float32
    assert entries[1][1].shape == ()
    with h5py.File(tmp_path / "path.h5") as file:
        assert file["proj_xcoord"][:].tolist() == [0, 2, 4]
        assert file["proj_ycoord"][:].tolist() == [1, 3, 5]
        assert file["explained_variance_ratio_"][:].tolist() == [0.7, 0.2]
        assert file.attrs["range_y"].tolist() == [-3, 4]
        assert file["xdirection"].attrs["component"] == 1
    assert read_centre(tmp_path / "path.h5") == "ab" * 32


def test_the_other_tools_projection_and_component_files(tmp_path):
    with h5py.File(tmp_path / "proj.h5", "w") as file:
        file["proj_xcoord"], file["proj_ycoord"] = [1.0, 2.0], [3.0, 4.0]
    found = read_trajectory(tmp_path / "proj.h5")
    assert found.coordinates.tolist() == [[1, 3], [2, 4]]
    assert np.isnan(found.residuals).all()
    assert (found.labels, found.epochs, found.explained) == (("1", "2"), None, None)
    assert read_centre(tmp_path / "proj.h5") is None
    with h5py.File(tmp_path / "pca.h5", "w") as file:
        file["explained_variance_ratio_"] = [0.6, 0.3]
        file["xdirection/0"] = file["ydirection/0"] = np.ones(3)
    found = read_trajectory(tmp_path / "pca.h5")
    assert (len(found.coordinates), found.explained) == (0, (0.6, 0.3))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "holds no trajectory"),
        ({"proj_xcoord": [1.0, 2.0], "proj_ycoord": [1.0]}, "a damaged trajectory file"),
        ({"proj_xcoord": [1.0, np.nan], "proj_ycoord": [1.0, 2.0]}, "not pairs of finite numbers"),
        ({"proj_xcoord": ["a"], "proj_ycoord": ["b"]}, "holds no numbers"),
        ({"trajectory/labels": ["a"]}, "not as this program writes it"),
        (
            {"trajectory/coordinates": [[1.0, 2.0]], "trajectory/labels": ["a", "b"]},
            "2 labels for 1",
        ),
        ({"trajectory/coordinates": [[1.0, 2.0]], "trajectory/labels": [1]}, "labels is not text"),
        ({"trajectory": [1.0]}, "a damaged trajectory file"),
        ({"explained_variance_ratio_": [1.0]}, "a damaged trajectory file"),
    ],
)
def test_damaged_files_are_one_line(tmp_path, content, words):
    with h5py.File(tmp_path / "bad.h5", "w") as file:
        for name, values in content.items():
            file[name] = values
    with pytest.raises(StoreError) as error:
        read_trajectory(tmp_path / "bad.h5")
    assert words in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'bad.h5'}: ")
    assert "\n" not in str(error.value)


def test_files_without_a_trajectory_are_refused(tmp_path):
    with pytest.raises(StoreError, match="no such file"):
        read_trajectory(tmp_path / "gone.h5")
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(StoreError, match="not an HDF5 file"):
        read_trajectory(tmp_path / "text.h5")


def test_a_path_written_by_hand_as_json():
    values = {"coordinates": [[1, 2]], "residuals": [None], "learning_rates": [None]}
    found = Trajectory.from_mapping(values)
    assert math.isnan(found.residuals[0])
    assert found.learning_rates is not None
    assert math.isnan(found.learning_rates[0])
    assert found.as_mapping()["residuals"] == [None]


@pytest.mark.parametrize(
    "values", [3, [], {"coordinates": "ab"}, {"coordinates": [[1, 2]], "epochs": ["x"]}]
)
def test_other_json_is_refused(values):
    with pytest.raises(StoreError, match="trajectory: "):
        Trajectory.from_mapping(values)


@pytest.mark.parametrize(
    "values", [3, [3], [{"label": "a"}], [{"label": "a", "coordinates": [math.nan, 0]}]]
)
def test_other_checkpoints_are_refused(values):
    with pytest.raises(StoreError, match="checkpoints: "):
        markers_of({"checkpoints": values})
