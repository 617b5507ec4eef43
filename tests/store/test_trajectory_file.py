import math

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landscape_cli.errors import StoreError
from landscape_cli.records.trajectory import Trajectory, markers_of
from landscape_cli.store.directions_file import read_direction
from landscape_cli.store.trajectory_file import (
    Plane,
    read_centre,
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
    )


def same(one, other):
    np.testing.assert_array_equal(one.coordinates, other.coordinates)
    np.testing.assert_array_equal(one.residuals, other.residuals)
    assert one.labels == other.labels
    assert one.epochs == other.epochs
    np.testing.assert_array_equal(one.learning_rates, other.learning_rates)
    assert one.explained == other.explained


@settings(max_examples=40)
@given(trajectory=trajectories())
def test_a_path_survives_its_file(tmp_path, trajectory):
    write_trajectory(tmp_path / "path.h5", plane(), trajectory)
    same(read_trajectory(tmp_path / "path.h5"), trajectory)
    same(Trajectory.from_mapping(trajectory.as_mapping()), trajectory)


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
