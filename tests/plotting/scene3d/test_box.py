"""Boxes whose tick labels and names are apart, from many cameras."""

from itertools import chain, combinations, product

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from landscape_cli.plotting.scene3d.box import BOX
from landscape_cli.plotting.style import style, ticks


def boxes(axes, renderer):
    """Return the extents of the visible tick labels of each axis, and of the names."""
    every = (axes.xaxis, axes.yaxis, axes.zaxis)
    shown = [
        [
            tick.label1
            for tick in axis.get_major_ticks()
            if tick.label1.get_visible() and low <= tick.get_loc() <= high
        ]
        for axis in every
        for low, high in [axis.get_view_interval()]
    ]
    names = [axis.label for axis in every if axis.label.get_text()]
    return [[t.get_window_extent(renderer) for t in group] for group in (*shown, names)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("look", "size"), [("paper", (2.2, 2.0)), ("paper", (4.5, 4.0)), ("talk", (3.0, 3.0))]
)
def test_texts_are_apart_from_every_side(look, size):
    with style(look):
        figure = Figure(figsize=size)
        axes = figure.add_subplot(projection=BOX)
        axes.set(xlim=(-1, 1), ylim=(-100, 100), zlim=(0, 10), xlabel="x", ylabel="y")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(ticks(5))
        renderer = FigureCanvasAgg(figure).get_renderer()
        for azimuth, elevation in product((-90, -45, 20, 133), (0, 32, 90)):
            axes.view_init(elevation, azimuth)
            figure.draw_without_rendering()
            extents = boxes(axes, renderer)
            for one, other in combinations(chain(*extents), 2):
                assert not one.overlaps(other), (azimuth, elevation)
            # From -90 and 0, one side is seen end-on; from above, the height.
            assert sum(map(bool, extents[:3])) >= 2
            assert len(extents[3]) == 2


def test_a_large_box_keeps_all_but_one_label_of_the_shared_corner():
    figure = Figure(figsize=(8, 8))
    axes = figure.add_subplot(projection=BOX)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(0, 1), xlabel="x", ylabel="y")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(ticks(5))
    axes.view_init(32, -45)
    figure.draw_without_rendering()
    x, y, z, _ = boxes(axes, FigureCanvasAgg(figure).get_renderer())
    assert (len(x), len(y)) == (5, 4)
    assert len(z) >= 5


def test_a_box_covers_no_labels_of_the_one_beside():
    figure = Figure(figsize=(4, 2), dpi=60)
    first = figure.add_axes((0, 0, 0.5, 1), projection=BOX)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    alone = np.asarray(canvas.buffer_rgba()).copy()
    beside = figure.add_axes((0.4, 0, 0.6, 1), projection=BOX)
    beside.set_axis_off()
    canvas.draw()
    assert first.get_tightbbox().x1 > beside.get_window_extent().x0
    np.testing.assert_array_equal(np.asarray(canvas.buffer_rgba()), alone)
