"""Room around axes that is computed from sizes of texts is what matplotlib measures."""

import itertools

import numpy as np
import pytest
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator
from matplotlib.transforms import Bbox

from landscape_cli.plotting.layout.bar import Bar
from landscape_cli.plotting.layout.cell import Cell
from landscape_cli.plotting.layout.ruler import Ruler
from landscape_cli.plotting.style import style, ticks


def plain(axes):
    axes.set(xlim=(-1, 1), ylim=(0, 3.3), xlabel="x", ylabel="train loss")


def wordy(axes):
    axes.set(xlim=(-1, 1), ylim=(0, 1e-7), ylabel="a label\nof two lines")
    axes.text(1.0, 5e-8, "beyond the frame", fontsize=7)
    axes.tick_params(direction="in", pad=7)


def logarithmic(axes):
    axes.set(xscale="log", yscale="log", xlim=(2, 3e4), ylim=(0.3, 2), ylabel="loss")
    axes.xaxis.set_major_locator(LogLocator())


def named(axes):
    axes.set(xlim=(0, 2), ylim=(2, 0), xlabel="value")
    axes.set_yticks([0, 1, 2, 3], ["embedding", "attention", "head", "outside"])


def doubled(axes):
    plain(axes)
    twin = axes.twinx()
    twin.set(ylim=(0, 100), ylabel="test accuracy (%)")


def bare(axes):
    plain(axes)
    axes.tick_params(labelbottom=False, labelleft=False)
    axes.yaxis.label.set_visible(False)


@pytest.mark.parametrize("look", ["paper", "talk"])
@pytest.mark.parametrize("prepare", [plain, wordy, logarithmic, named, doubled, bare])
def test_room_around_axes(prepare, look):
    with style(look):
        figure = Figure(figsize=(5, 4))
        axes = figure.add_axes((0.2, 0.2, 0.5, 0.6))
        prepare(axes)
        ruler = Ruler(figure)
        cell = Cell(axes)
        found = cell.measure(ruler)
        boxes = [one.get_tightbbox(ruler.renderer) for one in (axes, *cell.twins)]
        around, own = Bbox.union(boxes), axes.get_window_extent()
        expected = np.array([own.p0 - around.p0, around.p1 - own.p1]) / figure.dpi
        assert (found.left, found.bottom) == pytest.approx(expected[0])
        assert (found.right, found.top) == pytest.approx(expected[1])


@pytest.mark.parametrize("below", [False, True])
def test_breadth_of_a_bar(below):
    with style():
        figure = Figure(figsize=(5, 4))
        mappable = ScalarMappable(Normalize(0, 12))
        bar = Bar(figure, mappable, "train loss", lambda bar, _: bar.set_ticks(ticks(5)))
        ruler = Ruler(figure)
        found = bar.breadth(below, 3.0, ruler)
        axes = bar.show(below)
        box = axes.get_tightbbox(ruler.renderer)
        own = axes.get_window_extent()
        breadth = own.y1 - box.y0 if below else box.x1 - own.x0
        assert found == pytest.approx(breadth / figure.dpi)


def test_ticks_are_left_out_until_their_labels_are_apart():
    with style():
        figure = Figure(figsize=(5, 4))
        axes = figure.add_axes((0.1, 0.1, 0.12, 0.8))
        axes.set(xlim=(-1000, 1000), ylim=(0, 1))
        axes.xaxis.set_major_locator(ticks(6))
        cell, ruler = Cell(axes), Ruler(figure)
        assert cell.thin_ticks(ruler)
        figure.draw_without_rendering()
        shown = [tick.label1 for tick in axes.xaxis.get_major_ticks()]
        boxes = sorted(text.get_window_extent().intervalx.tolist() for text in shown)
        assert 2 <= len(boxes) < 7
        assert all(one[1] < other[0] for one, other in itertools.pairwise(boxes))
        axes.set_position((0.1, 0.1, 0.8, 0.8))
        assert cell.thin_ticks(ruler)
        assert len(axes.get_xticks()) > len(boxes)


@pytest.mark.parametrize("text", ["points at 0 %, 12.5 % or less", "a grid of 31 x 31 points"])
def test_numbers_are_not_parted_from_their_units(text):
    with style():
        ruler = Ruler(Figure(figsize=(5, 4)))
        for width in np.linspace(0.7, 1.5, 9):
            lines = ruler.wrap(text, 9, width).split("\n")
            assert " ".join(lines) == text
            assert not [line for line in lines if line[0] in "%x" or line.endswith(" x")]
