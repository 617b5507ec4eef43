"""No text overlaps another or leaves the figure, and panels take most of it.

Everything is measured where it is drawn: each text that the renderer gets, with its box turned as
the text is. The share of the panels is the area of the axes with the labels of their ticks, their
axes' labels and titles, and of the colour bars, over the figure's.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from builders import bowl, surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting import KINDS
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_size import Size, parse_size
from landscape_cli.plotting.layout.sheet import FOOTNOTE
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.style import style
from landscape_cli.plotting.value_range import fit

SIZES = (None, "column", "double", "3.3x2.6")
NAMES = (
    *("ResNet-56", "ResNet-56, no shortcuts", "VGG-9", "DenseNet-121"),
    *("Wide-ResNet-56 (width 8)", "ResNet-110, no shortcuts"),
)
SHARE, SHARE_OF_GIVEN = 0.48, 0.4
"""Least share of panels, which is 0.55 and more but for an empty place or a long legend.

Where the height is given, the figure has not the shape of the panels."""

FAST = [
    *(("contourf", "paper", None, 5), ("contourf", "talk", "column", 2)),
    *(("contour", "paper", "double", 4), ("heatmap", "paper", "3.3x2.6", 2)),
    *(("surface", "paper", "column", 2), ("relief", "talk", "double", 1)),
    *(("line", "paper", "column", 4), ("line", "talk", None, 1)),
    *(("comparison", "paper", "column", 6), ("heatmap", "paper", "column", 1)),
]
"""Kind, style, size and number of files of a few figures that must not be refused."""

LOOKS = ("paper", "talk")
"""Styles of different sizes of text; that dark has paper's is tested below."""


@contextmanager
def recorded() -> Iterator[list[Text]]:
    """Collect the texts that are drawn."""
    found, draw_text = [], Text.draw

    def record(self, renderer, *more):
        if self.get_visible() and self.get_text().strip():
            found.append(self)
        draw_text(self, renderer, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", record)
        yield found


def corners(text, renderer):
    """Return the corners of a text's box, of shape (4, 2), turned as the text is."""
    angle = text.get_rotation()
    box = text.get_window_extent(renderer)
    if angle % 90 == 0:
        return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
    text.set_rotation(0)
    flat = text.get_window_extent(renderer)
    text.set_rotation(angle)
    turn = np.deg2rad(angle)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [flat.width / 2, flat.height / 2]
    middle = [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]
    return half @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]] + middle


def overlap(first, second, tolerance=1.0):
    """Return whether two convex shapes overlap by more than a tolerance in pixels."""
    for shape in (first, second):
        for edge in np.roll(shape, -1, axis=0) - shape:
            normal = np.array([-edge[1], edge[0]]) / max(1e-9, np.hypot(*edge))
            one, other = first @ normal, second @ normal
            if one.max() - tolerance <= other.min() or other.max() - tolerance <= one.min():
                return False
    return True


def is_bar(axes):
    return axes.get_label() == "<colorbar>"


def faults(figure, look):
    """Return what is wrong with a figure as sentences, and the share of its panels."""
    canvas = FigureCanvasAgg(figure)
    with style(look), recorded() as texts:
        canvas.draw()
    renderer, (width, height) = canvas.get_renderer(), figure.bbox.size
    shapes = [(text.get_text(), corners(text, renderer)) for text in texts]
    wrong = [
        f"{text!r} leaves the figure"
        for text, shape in shapes
        if shape.min() < -1 or (shape.max(axis=0) > [width + 1, height + 1]).any()
    ]
    wrong += [
        f"{first!r} overlaps {second!r}"
        for (first, one), (second, other) in combinations(shapes, 2)
        if overlap(one, other)
    ]
    bars = [(axes, axes.get_window_extent(renderer)) for axes in figure.axes if is_bar(axes)]
    wrong += [
        f"{text.get_text()!r} overlaps a colour bar"
        for text, (_, shape) in zip(texts, shapes, strict=True)
        for axes, box in bars
        if text.axes is not axes and overlap(shape, box.corners()[[0, 2, 3, 1]])
    ]
    boxes = [axes.get_tightbbox(renderer) for axes in figure.axes if axes.get_visible()]
    return wrong, sum(box.width * box.height for box in boxes) / (width * height)


def panels(kind, count, seeds=False):
    """Return panels of networks whose names differ, around minima that have directions."""
    found = []
    for number, name in enumerate(NAMES[:count]):
        seed = 2 * number * seeds
        direction = {"kind": "random", "normalize": "filter"}
        facts = {
            "network": {"name": name},
            "batch_norm": "frozen",
            "directions": {
                axis: {**direction, "seed": seed + place}
                for place, axis in enumerate("xy"[: KINDS[kind].axes], start=1)
            },
        }
        axes = ["-1:1:9"] * KINDS[kind].axes
        values = {
            ("train", "loss"): lambda *at, n=number: (1 + n) * bowl(*at),
            ("test", "loss"): lambda *at, n=number: 0.3 + (1 + n) * bowl(*at),
        }
        if KINDS[kind].axes == 2:
            del values["test", "loss"]
        made = surface(values, *axes, provenance=facts)
        found += select_panels(made, None, None, f"net_{number}.h5")
    return found


def check(kind, look, size, count, **options):
    """Draw panels and measure them; return False if the size is refused."""
    shown = panels(kind, count, **options)
    scale = fit(shown, vmax=8 if KINDS[kind].axes == 2 else None)
    try:
        figure = draw(shown, kind, scale, look=look, size=size and parse_size(size))
    except UsageError:
        return False
    wrong, share = faults(figure, look)
    assert not wrong, wrong
    exact = size is not None and "x" in size
    assert share >= (SHARE_OF_GIVEN if exact else SHARE), share
    return True


@pytest.mark.parametrize(("kind", "look", "size", "count"), FAST)
def test_texts_and_panels_fit(kind, look, size, count):
    assert check(kind, look, size, count)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "render"])
def test_texts_and_panels_fit_whatever_their_number(kind, look, size):
    drawn = [check(kind, look, size, count) for count in range(1, 7)]
    least = {None: 6, "column": 2, "double": 4, "3.3x2.6": 1}[size]
    if look == "talk":  # large text may leave no room on a small figure
        least = int(size != "3.3x2.6")
    assert all(drawn[:least])
    assert size is None or drawn == sorted(drawn, reverse=True) or look == "talk"


def test_dark_figures_have_papers_sizes_of_text():
    paper, dark = (draw(panels("heatmap", 2), look=look) for look in ("paper", "dark"))
    assert paper.get_size_inches() == pytest.approx(dark.get_size_inches())
    sizes = [[t.get_fontsize() for t in each.findobj(Text)] for each in (paper, dark)]
    assert sizes[0] == sizes[1]


@pytest.mark.slow
def test_the_smallest_size_that_is_named_fits():
    shown, size = panels("heatmap", 3), Size(2.2, 1.8)
    with pytest.raises(UsageError, match=r"--size 2\.2x1\.8: three panels need at least") as error:
        draw(shown, size=size)
    least = parse_size(str(error.value).split("at least ")[1].split(";")[0])
    wrong, _ = faults(draw(shown, size=least), "paper")
    assert not wrong


def test_what_all_panels_share_is_said_once_and_what_differs_by_letters():
    def note(figure):
        return " ".join(t.get_text() for t in figure.texts if t.get_gid() == FOOTNOTE)

    same, apart = (draw(panels("heatmap", 2, seeds=s), "heatmap") for s in (False, True))
    words = "x, y: random directions, filter-normalized (seeds "
    assert note(same).replace("\n", " ") == f"{words}1 and 2); batch norm frozen"
    assert note(apart).replace("\n", " ") == (
        f"{words}(a) 1 and 2; (b) 3 and 4); batch norm frozen"
    )
    assert [axes.get_title() for axes in same.axes[:2]] == list(NAMES[:2])
    assert apart.axes[0].get_title() == f"(a) {NAMES[0]}"
    assert [axes.yaxis.label.get_visible() for axes in same.axes[:2]] == [True, False]


def test_files_are_named_only_where_names_are_ambiguous():
    shown = panels("heatmap", 1) + [replace(panels("heatmap", 1)[0], source="other.h5")]
    figure = draw(shown)
    words = [t.get_text() for axes in figure.axes[:2] for t in axes.texts if t.get_text()]
    assert words == ["net_0", "other"]
    named = [replace(one, label=label) for one, label in zip(shown, "AB", strict=True)]
    figure = draw(named)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["A", "B"]
    assert not [t for axes in figure.axes[:2] for t in axes.texts if t.get_text()]


def test_entries_that_differ_in_a_number_are_one():
    shown = panels("heatmap", 3)
    figure = draw(shown, "heatmap", fit(shown, vmax=8))
    (legend,) = figure.legends
    (text,) = [text.get_text() for text in legend.get_texts()]
    assert re.fullmatch(r"above 8 \(0 %, 0 %, \d+\.\d %\)", text)
