"""Terrains: heights, holes, coordinates and colours."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.scene3d.terrain import BOX_HEIGHT, terrain_of
from landscape_cli.plotting.value_range import fit


def terrain(panel, **options):
    return terrain_of(panel, fit([panel], **options), Camera())


def test_the_terrain_passes_through_the_grids_values(make_panel):
    panel = make_panel(lambda x, y: (x - 0.5) ** 2 + np.sin(3 * y), x="-1:1:9", y="0:3:7")
    found = terrain(panel, log=False)
    low, high = panel.z.min(), panel.z.max()
    parts = [(n - 1) // (m - 1) for n, m in zip(found.z.shape, panel.z.shape, strict=True)]
    assert min(parts) > 1
    expected = (panel.z - low) / (high - low) * BOX_HEIGHT
    np.testing.assert_allclose(found.z[:: parts[0], :: parts[1]], expected, atol=1e-12)


@given(arrays(float, (4, 5), elements=st.floats(-1e3, 1e3)))
def test_interpolation_does_not_overshoot(make_panel, values):
    panel = make_panel(values, y="-1:1:4")
    scale = Scale(-1e3, 1e3)
    z = terrain_of(panel, scale, Camera()).z
    blocks = z[:-1, :-1].reshape(3, z.shape[0] // 3, 4, z.shape[1] // 4)
    around = np.stack([values[i : 3 + i, j : 4 + j] for i in (0, 1) for j in (0, 1)])
    around = (around + 1e3) / 2e3 * BOX_HEIGHT
    assert (blocks.max(axis=(1, 3)) <= around.max(axis=0) + 1e-9).all()
    assert (blocks.min(axis=(1, 3)) >= around.min(axis=0) - 1e-9).all()


def test_cells_with_a_corner_without_a_value_are_holes(make_panel):
    values = np.ones((5, 5)) + np.eye(5)
    values[0, 0] = np.nan
    found = terrain(make_panel(values))
    size = found.cells.shape[0] // 4
    holes = ~found.cells
    assert holes[:size, :size].all()
    assert np.count_nonzero(holes) == size**2
    assert np.isfinite(found.z).all()
    assert np.isfinite(found.above).all()


def test_coordinates_are_mapped_to_the_box(make_panel):
    found = terrain(make_panel(lambda x, y: x + y, x="-1:3:5", y="0:2:5"))
    assert found.half.tolist() == [1.0, 0.5]
    np.testing.assert_allclose(found.place([-1, 1, 3], [0, 1, 2]), [[-1, -0.5], [0, 0], [1, 0.5]])


def test_heights_on_a_logarithmic_scale_are_logarithms(make_panel):
    panel = make_panel(lambda x, y: 10.0**x, x="0:4:5", y="0:1:2")
    found = terrain(panel, log=True)
    np.testing.assert_allclose(
        found.z[0], BOX_HEIGHT * np.linspace(0, 1, found.z.shape[1]), atol=1e-9
    )


def test_the_highest_level_place_has_the_colour_maps_top_colour(make_panel):
    values = np.zeros((9, 9))
    values[6:, :] = 1.0
    found = terrain(make_panel(values, x="-1:1:9", y="-1:1:9"))
    assert found.above[-1, found.x.size // 2] == pytest.approx([0.993, 0.906, 0.144], abs=0.02)


def test_a_raw_panel_is_not_refined(make_panel):
    panel = make_panel(lambda x, y: x**3 + y, x="-1:1:5", y="-1:1:4")
    scale = fit([panel], log=False)
    assert terrain_of(panel, scale, Camera()).z.shape == (25, 33)
    raw = terrain_of(replace(panel, raw=True), scale, Camera())
    np.testing.assert_allclose(raw.z, raw.height_of(panel.z))
