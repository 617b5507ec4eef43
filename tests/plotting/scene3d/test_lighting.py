"""Light on shapes with known horizons."""

import numpy as np
import pytest

from landscape_cli.plotting.scene3d.lighting import horizon, light, light_below, normals

SPACING = (0.1, 0.05)
Y, X = np.meshgrid(0.1 * np.arange(21), 0.05 * np.arange(41), indexing="ij")


def test_level_ground_has_brightness_one():
    np.testing.assert_array_equal(light(np.full((21, 41), 3.0), SPACING, 1.0), 1.0)


@pytest.mark.parametrize(("azimuth", "slope"), [(0, 2.0), (180, -2.0), (90, 0.5), (270, -0.5)])
def test_the_horizon_of_a_tilted_plane_is_its_slope(azimuth, slope):
    found = horizon(2 * X + 0.5 * Y, SPACING, np.deg2rad(azimuth), np.inf)
    np.testing.assert_allclose(found[5:-5, 5:-5], np.arctan(max(0, slope)), atol=1e-9)


def test_the_horizon_at_a_wall_is_its_height_over_its_distance():
    wall = np.where(X >= 1.0 - 1e-9, 0.4, 0.0)
    found = horizon(wall, SPACING, 0.0, np.inf)
    far = 1.0 - X[0, :18]
    # Distant points of a ray are not all sampled, so the wall may be found slightly too far away.
    expected = np.arctan(0.4 / far)
    assert (found[10, :18] <= expected + 1e-9).all()
    np.testing.assert_allclose(found[10, :18], expected, rtol=0.25)
    np.testing.assert_allclose(found[10, 17:20], np.arctan(0.4 / (1.0 - X[0, 17:20])))
    assert (horizon(wall, SPACING, np.pi, np.inf)[:, :20] == 0).all()


def test_the_horizon_ignores_what_is_out_of_reach():
    wall = np.where(X >= 1.5, 1.0, 0.0)
    assert (horizon(wall, SPACING, 0.0, 0.5)[:, :15] == 0).all()


@pytest.mark.parametrize(
    ("azimuth", "facing", "turned"), [(0, (40, 30), (40, 50)), (-90, (50, 40), (30, 40))]
)
def test_a_pit_is_dark_and_its_wall_far_from_the_sun_is_brightest(azimuth, facing, turned):
    x, y = np.meshgrid(*2 * [np.linspace(-1, 1, 81)])
    lit = light(-np.exp(-8 * (x**2 + y**2)), (0.025, 0.025), np.deg2rad(azimuth))
    assert lit[40, 40] < 0.9 < lit[2, 2]
    assert lit[facing] > lit[turned] + 0.2


def test_the_normals_of_a_plane_are_exact():
    found = normals(2 * X - 3 * Y, SPACING)
    np.testing.assert_allclose(found, np.broadcast_to([-2, 3, 1], found.shape) / np.sqrt(14))


def test_the_underside_is_lit_where_it_faces_the_lamp():
    towards, away = (light_below(slope * X, SPACING, 0.0) for slope in (1.0, -1.0))
    np.testing.assert_allclose(towards, 0.5 + 0.5 / np.sqrt(2))
    np.testing.assert_allclose(away, 0.5)
