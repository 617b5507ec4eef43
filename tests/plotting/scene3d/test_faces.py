"""Faces of surfaces: cut at the limits, with nothing lost or drawn twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landscape_cli.plotting.scene3d.faces import MAX_FACES, MAX_SLICES, Faces, faces_of

SQUARE = np.linspace(-1, 1, 6)


def area(faces: Faces) -> float:
    """Return the area of faces seen from above; corners are in counterclockwise order."""
    x, y = faces.corners[..., 0], faces.corners[..., 1]
    return float((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum() / 2)


def cut(values, low, high, x=SQUARE, y=SQUARE) -> Faces:
    """Return the faces of a function or an array of heights."""
    heights = values(*np.meshgrid(x, y)) if callable(values) else np.array(values, float)
    return faces_of(np.asarray(x, float), np.asarray(y, float), heights, (low, high))


def test_a_plane_is_cut_along_a_straight_line():
    faces = cut(lambda x, y: x + y, -2, 0.5)
    surface, lid = faces.on(0), faces.on(1)
    assert len(faces.on(-1)) == 0
    x, y, z = surface.corners.reshape(-1, 3).T
    np.testing.assert_allclose(x + y, z, atol=1e-12)
    assert z.max() == 0.5
    assert set(lid.corners[..., 2].ravel()) == {0.5}
    assert (lid.corners[..., :2].sum(axis=-1) >= 0.5 - 1e-12).all()
    assert area(lid) == pytest.approx(1.5**2 / 2)
    assert area(surface) == pytest.approx(4 - 1.5**2 / 2)


def test_a_plane_is_cut_at_both_limits():
    faces = cut(lambda x, y: x + y, -1, 0.5)
    assert [area(faces.on(side)) for side in (-1, 0, 1)] == pytest.approx([0.5, 2.375, 1.125])
    assert set(faces.on(-1).corners[..., 2].ravel()) == {-1}


def test_a_cell_that_crosses_the_limit_twice_is_cut_around_its_middle():
    """Beyond the limit are a quarter of one side and half of another in each of four triangles."""
    faces = cut([[1, -1], [-1, 1]], -1, 0.5, x=[0, 1], y=[0, 1])
    assert area(faces.on(1)) == pytest.approx(4 * 0.25 / 8)
    assert area(faces.on(0)) == pytest.approx(1 - 4 * 0.25 / 8)


def test_a_cell_with_two_corners_at_the_limit_is_cut_between_them():
    faces = cut([[1, 1], [0, 2]], -1, 1, x=[0, 1], y=[0, 1])
    assert [area(faces.on(side)) for side in (0, 1)] == pytest.approx([0.625, 0.375])


def test_heights_at_a_limit_are_not_beyond_it():
    assert set(cut(np.full((6, 6), 2.0), 2, 3).side) == {0}
    assert set(cut(np.full((6, 6), 3.0 + 1e-13), 2, 3).side) == {0}


def test_cells_with_one_missing_corner_are_triangles_and_with_more_are_omitted():
    heights = np.zeros((3, 3))
    heights[0, 0] = np.nan
    places = [0, 1, 2]
    assert area(cut(heights, -1, 1, x=places, y=places)) == pytest.approx(3.5)
    heights[0, 1] = np.nan
    assert area(cut(heights, -1, 1, x=places, y=places)) == pytest.approx(2.5)
    assert len(cut(np.full((3, 3), np.nan), -1, 1, x=places, y=places)) == 0


def test_a_coarse_grid_is_subdivided_bilinearly():
    faces = cut(lambda x, y: (x + 1.1) * (y + 1.2), 0, 10)
    assert np.ptp(faces.corners, axis=1).max(axis=0).tolist() == pytest.approx(
        [0.1, 0.1, 10 / MAX_SLICES]
    )
    x, y, z = faces.corners.reshape(-1, 3).T
    np.testing.assert_allclose(z, (x + 1.1) * (y + 1.2), atol=1e-3)


def test_the_number_of_faces_of_a_fine_rough_grid_is_bounded():
    heights = np.random.default_rng(1).normal(size=(240, 240))
    places = np.arange(240)
    assert len(cut(heights, -9, 9, x=places, y=places)) < 1.2 * MAX_FACES


@settings(max_examples=15, deadline=None)
@given(
    heights=arrays(float, (4, 5), elements=st.floats(-3, 3) | st.integers(-2, 2).map(float)),
    missing=arrays(bool, (4, 5), elements=st.booleans()),
)
def test_faces_cover_the_surface_once_and_stay_within_the_limits(heights, missing):
    places = np.arange(5.0)
    heights[missing] = np.nan
    faces = cut(heights, -1, 1, x=places, y=places[:4])
    there = np.isfinite(heights)
    good = sum(there[r : r + 3, c : c + 4].astype(int) for r in (0, 1) for c in (0, 1))
    assert area(faces) == pytest.approx((good == 4).sum() + (good == 3).sum() / 2)
    assert np.isfinite(faces.corners).all()
    assert (np.abs(faces.corners[..., 2]) <= 1).all()
