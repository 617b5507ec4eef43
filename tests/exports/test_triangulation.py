import numpy as np
import pytest

from landscape_cli.exports.triangulation import segments, triangles


def area(corners, nx):
    """Return twice the signed area of triangles in the unit grid, positive if counterclockwise."""
    y, x = np.divmod(corners, nx)
    return (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) - (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])


def test_a_whole_grid_is_covered_once():
    found = triangles(np.ones((3, 5), dtype=bool))
    assert len(found) == 2 * 2 * 4
    assert (area(found, 5) == 1).all()
    assert len({tuple(sorted(one)) for one in found.tolist()}) == len(found)


@pytest.mark.parametrize("missing", range(4))
def test_a_cell_without_a_corner_is_the_triangle_of_the_others(missing):
    known = np.ones(4, dtype=bool)
    known[missing] = False
    found = triangles(known.reshape(2, 2))
    assert {tuple(sorted(one)) for one in found.tolist()} == {tuple(np.flatnonzero(known))}
    assert (area(found, 2) == 1).all()


def test_a_cell_without_two_corners_is_a_hole():
    assert len(triangles(np.array([[True, False], [False, True]]))) == 0


def test_a_curve_is_interrupted_where_a_point_is_missing():
    assert segments(np.array([1, 1, 0, 1, 1, 1], dtype=bool)).tolist() == [[0, 1], [3, 4], [4, 5]]
