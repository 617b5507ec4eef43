"""Light and shadow: normals, horizons, the sky that is seen, and what becomes of colours."""

import numpy as np
import pytest

from landscape_cli.plotting.shading import LIGHT, horizon, normals_of, shaded, sky

EYE = np.array([0.45, -0.72, 0.53]) / np.linalg.norm([0.45, -0.72, 0.53])
SIDE = np.linspace(0, 1, 41)
X, Y = np.meshgrid(SIDE, SIDE)


def brightness(heights, places):
    """The sum of red, green and blue at places, of grey."""
    grey = np.tile([0.5, 0.5, 0.5, 1.0], (len(places), 1))
    colors = shaded(grey, SIDE, SIDE, heights, np.array(places, float), 1.0, EYE)
    return colors[:, :3].sum(axis=1)


def test_normals_of_a_plane():
    normals = normals_of(SIDE, SIDE, 0.1 + 0.3 * X + 0.4 * Y, 1.0)
    np.testing.assert_allclose(normals, np.tile([-0.3, -0.4, 1] / np.sqrt(1.25), (41, 41, 1)))


def test_cells_that_are_cut_off_or_missing_do_not_bend_normals():
    heights = 0.1 + 0.5 * X
    expected = normals_of(SIDE, SIDE, heights, 1.0)[0, 0]
    heights[:, 21:] = 5.0
    heights[:, 20] = np.where(np.arange(41) < 30, 1.0, np.nan)
    normals = normals_of(SIDE, SIDE, heights, 1.0)
    np.testing.assert_allclose(normals[:, :19], np.broadcast_to(expected, (41, 19, 3)), atol=1e-12)
    np.testing.assert_array_equal(normals[:, 25], np.tile([0, 0, 1], (41, 1)))


def test_the_horizon_before_a_wall():
    ground = np.where(X > 0.99, 0.6, 0.0)
    found = horizon(ground, 1.0, 0.0)
    assert found[20, 39] == pytest.approx(0.6 / 0.025)
    assert found[20, 36] == pytest.approx(0.6 / 0.1)
    assert not found[:, 40].any()
    assert not horizon(ground, -1.0, 0.0).any()
    assert not horizon(ground, 0.0, 1.0).any()
    np.testing.assert_array_equal(horizon(ground.T, 0.0, 1.0), found.T)


def test_the_sky_from_the_bottom_of_a_cone():
    """All around, the horizon lies as high as the cone is steep."""
    cone = 0.5 * np.hypot(X - 0.5, Y - 0.5)
    assert sky(cone)[20, 20] == pytest.approx(1 / (1 + 0.5**2), rel=0.05)
    np.testing.assert_array_equal(sky(np.full((5, 5), 3.0)), np.ones((5, 5)))


def test_open_level_ground_keeps_its_colour():
    colors = np.random.default_rng(1).random((9, 4))
    at = np.random.default_rng(2).random((9, 2))
    found = shaded(colors, SIDE, SIDE, np.full((41, 41), 0.3), at, 1.0, EYE)
    np.testing.assert_allclose(found, colors)


def test_slopes_towards_the_lamp_are_brighter():
    towards, away = 0.3 - 0.2 * (LIGHT[0] * X + LIGHT[1] * Y), 0.3 + 0.2 * LIGHT[1] * Y
    middle = [(0.5, 0.5)]
    assert brightness(towards, middle) > 1.5 > brightness(away, middle)


def test_pits_are_dark_and_a_wall_casts_a_shadow():
    pit = np.where(np.hypot(X - 0.5, Y - 0.5) < 0.1, 0.0, 0.6)
    bottom, ground = brightness(pit, [(0.5, 0.5), (0.9, 0.9)])
    assert bottom < 0.8 * ground
    wall = np.where(np.abs(Y - 0.3) < 0.04, 0.5, 0.1)  # the lamp stands at lower y
    behind, before = brightness(wall, [(0.5, 0.5), (0.5, 0.1)])
    assert behind < 0.9 * before


def test_holes_have_no_part_in_it():
    heights = np.full((41, 41), 0.3)
    heights[10:20, 10:20] = np.nan
    assert brightness(heights, [(0.8, 0.8), (0.375, 0.375)]) == pytest.approx(1.5)
