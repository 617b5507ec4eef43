import numpy as np
import pytest
import torch

from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.pca.path import path_lengths


def lengths(points, numbers=None, room=2):
    """Return the lengths of a path through points, each a list of coordinates."""
    given = [
        {"a": torch.tensor(one[:2]), "b": torch.tensor(one[2:])}
        for one in np.array(points, dtype=np.float64)
    ]
    differences = Differences(given.__getitem__, len(given), given[0], room)
    return path_lengths(differences, numbers or range(len(given)))


@pytest.mark.parametrize("room", [2, 100])
def test_a_regular_polygon_turns_by_its_exterior_angle(room):
    angles = 2 * np.pi * np.arange(7) / 6
    found = lengths([[np.cos(t), np.sin(t), 5.0] for t in angles], room=room)
    np.testing.assert_allclose(found.steps, 1, rtol=1e-14)
    np.testing.assert_allclose(found.angles, 60, rtol=1e-13)
    np.testing.assert_allclose(found.from_start, 2 * np.abs(np.sin(angles / 2)), atol=1e-15)
    np.testing.assert_allclose(found.to_end, found.from_start[::-1], atol=1e-15)
    assert found.total == pytest.approx(6)


def test_short_steps_far_from_the_centre_are_exact():
    points = [[1e8, 0.0, 0.0], [1e8, 1e-6, 0.0], [1e8, 1e-6, 1e-6], [1e8, 0.0, 1e-6]]
    found = lengths(points)
    assert found.steps.tolist() == [1e-6] * 3
    np.testing.assert_allclose(found.cosines, 0, atol=1e-30)


def test_reversals_and_rests():
    found = lengths([[0, 0, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 3, 4]])
    assert found.steps.tolist() == [1, 1, 0, 5]
    assert found.cosines[0] == -1
    assert np.isnan(found.cosines[1:]).all()
    assert found.angles[0] == 180


def test_some_of_the_checkpoints():
    found = lengths([[9, 9, 9], [0, 0, 0], [0, 0, 2], [7, 7, 7]], range(1, 3))
    assert (found.from_start.tolist(), found.to_end.tolist()) == ([0, 2], [2, 0])
    assert (found.steps.tolist(), found.cosines.tolist()) == ([2], [])
    alone = lengths([[1, 2, 3]])
    assert (alone.from_start.tolist(), alone.steps.tolist(), alone.total) == ([0], [], 0)
