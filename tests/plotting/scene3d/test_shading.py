"""Light and shadow: normals and colours."""

import numpy as np
import pytest

from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.scene3d.shading import normals_of, shaded

FRONT = Camera(azimuth=-90, elevation=40)
"""A viewpoint for which the lamp is towards lower x and y."""

SIDE = np.linspace(0, 1, 41)
X, Y = np.meshgrid(SIDE, SIDE)


def brightness(heights, places, camera=FRONT):
    """Return the sum of red, green and blue at places of a grey surface."""
    grey = np.tile([0.5, 0.5, 0.5, 1.0], (len(places), 1))
    colors = shaded(grey, SIDE, SIDE, heights, np.array(places, float), 1.0, camera)
    return colors[:, :3].sum(axis=1)


def test_the_normals_of_a_plane_are_exact():
    normals = normals_of(SIDE, SIDE, 0.1 + 0.3 * X + 0.4 * Y, 1.0)
    np.testing.assert_allclose(normals, np.tile([-0.3, -0.4, 1] / np.sqrt(1.25), (41, 41, 1)))


def test_cut_off_or_missing_cells_do_not_affect_normals():
    heights = 0.1 + 0.5 * X
    expected = normals_of(SIDE, SIDE, heights, 1.0)[0, 0]
    heights[:, 21:] = 5.0
    heights[:, 20] = np.where(np.arange(41) < 30, 1.0, np.nan)
    normals = normals_of(SIDE, SIDE, heights, 1.0)
    np.testing.assert_allclose(normals[:, :19], np.broadcast_to(expected, (41, 19, 3)), atol=1e-12)
    np.testing.assert_array_equal(normals[:, 25], np.tile([0, 0, 1], (41, 1)))


def test_open_level_ground_keeps_its_colour():
    colors = np.random.default_rng(1).random((9, 4))
    at = np.random.default_rng(2).random((9, 2))
    found = shaded(colors, SIDE, SIDE, np.full((41, 41), 0.3), at, 1.0, FRONT)
    np.testing.assert_allclose(found, colors)


def test_slopes_towards_the_lamp_are_brighter():
    towards, away = 0.3 + 0.2 * (X + Y), 0.5 - 0.2 * Y
    middle = [(0.5, 0.5)]
    assert brightness(towards, middle) > 1.5 > brightness(away, middle)


def test_the_lamp_turns_with_the_viewer():
    heights = 0.3 + 0.1 * np.sin(5 * X) * np.sin(3 * Y)
    place, turned = (0.2, 0.7), (0.3, 0.2)
    behind = Camera(azimuth=0, elevation=40)
    expected = brightness(heights, [place])
    assert brightness(np.rot90(heights, -1), [turned], behind) == pytest.approx(expected, rel=1e-2)


def test_pits_are_dark_and_a_wall_casts_a_shadow():
    pit = np.where(np.hypot(X - 0.5, Y - 0.5) < 0.1, 0.0, 0.6)
    bottom, ground = brightness(pit, [(0.5, 0.5), (0.9, 0.9)])
    assert bottom < 0.8 * ground
    wall = np.where(np.abs(X - 0.3) < 0.04, 0.5, 0.1)
    behind, before = brightness(wall, [(0.45, 0.5), (0.15, 0.5)])
    assert behind < 0.9 * before


def test_holes_do_not_affect_brightness():
    heights = np.full((41, 41), 0.3)
    heights[10:20, 10:20] = np.nan
    assert brightness(heights, [(0.8, 0.8), (0.375, 0.375)]) == pytest.approx(1.5)
