"""Projections: known cases and geometric properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.plotting.scene3d.camera import DISTANCE, MARGIN, Camera, eye_of, frame_of

ORIGIN = np.zeros(3)
CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "right", "up"),
    [(0, 0, [0, 1, 0], [0, 0, 1]), (90, 0, [-1, 0, 0], [0, 0, 1]), (-90, 0, [1, 0, 0], [0, 0, 1])],
)
def test_projection_follows_azimuth_and_elevation(azimuth, elevation, right, up):
    eye = eye_of(Camera(azimuth, elevation), ORIGIN)
    assert eye.project(ORIGIN) == pytest.approx([0, 0, DISTANCE])
    assert eye.project(np.array(right, float)) == pytest.approx([1 / DISTANCE, 0, DISTANCE])
    assert eye.project(np.array(up, float)) == pytest.approx([0, 1 / DISTANCE, DISTANCE])


def test_from_above_y_points_up_where_x_points_right():
    eye = eye_of(Camera(-90, 90), ORIGIN)
    seen = eye.project(np.array([[1.0, 0, 0], [0, 1, 0]]))
    assert seen[:, :2] * DISTANCE == pytest.approx(np.eye(2), abs=0.01)


@given(st.floats(-360, 360), st.floats(0, 90))
def test_axes_are_at_right_angles(azimuth, elevation):
    axes = eye_of(Camera(azimuth, elevation), ORIGIN).axes
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)


@given(st.floats(-360, 360), st.floats(0, 90))
def test_a_frame_fits_the_corners_tightly(azimuth, elevation):
    camera = Camera(azimuth, elevation)
    frame = frame_of(camera, CUBE)
    seen = eye_of(camera, ORIGIN).project(CUBE)[:, :2]
    assert np.ptp(seen, axis=0) * MARGIN == pytest.approx([frame.width, frame.height])
    assert (seen > [frame.left, frame.bottom]).all()
    assert (seen < [frame.right, frame.top]).all()


@given(st.floats(-360, 360), st.floats(0, 80))
def test_a_turning_frame_fits_every_azimuth(azimuth, elevation):
    frame = frame_of(Camera(elevation=elevation, turning=True), CUBE)
    seen = eye_of(Camera(azimuth, elevation), ORIGIN).project(CUBE)[:, :2]
    assert (seen > [frame.left, frame.bottom]).all()
    assert (seen < [frame.right, frame.top]).all()


def test_zoom_shrinks_the_frame_around_its_middle():
    whole, half = frame_of(Camera(), CUBE), frame_of(Camera(zoom=2), CUBE)
    assert half.width == pytest.approx(whole.width / 2)
    assert half.left + half.right == pytest.approx(whole.left + whole.right)
