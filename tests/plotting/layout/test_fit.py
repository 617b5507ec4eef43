"""No text overlaps another or leaves the figure, and panels take most of it."""

import re
from dataclasses import replace

import pytest
from matplotlib.text import Text

from builders import bowl, surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting import KINDS
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_size import Size, parse_size
from landscape_cli.plotting.layout.sheet import FOOTNOTE, MARGIN
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.value_range import fit
from support.measuring import SHARE, assert_fits, faults

SIZES = (None, "column", "double", "3.3x2.6")
NAMES = (
    *("ResNet-56", "ResNet-56, no shortcuts", "VGG-9", "DenseNet-121"),
    *("Wide-ResNet-56 (width 8)", "ResNet-110, no shortcuts"),
)
SQUARE = ("contour", "contourf", "heatmap", "surface", "relief", "render")
"""Kinds whose panels have a shape of their own."""


def least_share(kind, look, size, count):
    """Return the least share of panels, which is lower in two cases.

    Two panels of a shape of their own side by side are as wide as 3.3 inches allow, and leave free
    what they do not need of a height of 2.6 inches. Title, labels of the axis and note in text of
    14 points take half of this height.
    """
    if size == "3.3x2.6" and kind in SQUARE:
        return 0.4 if look == "talk" else 0.48 if count > 1 else SHARE
    return SHARE


FAST = [
    *(("contourf", "paper", None, 5), ("contourf", "talk", "column", 2)),
    *(("contour", "paper", "double", 4), ("heatmap", "paper", "3.3x2.6", 2)),
    *(("surface", "paper", "column", 2), ("relief", "talk", "double", 1)),
    *(("line", "paper", "column", 4), ("line", "talk", None, 1)),
    *(("comparison", "paper", "column", 6), ("heatmap", "paper", "column", 1)),
]
"""Kind, style, size and number of files of a few figures that must not be refused."""

COUNTS = {None: (1, 3, 5), "column": (1, 2, 5), "double": (2, 4, 6), "3.3x2.6": (1, 2)}
"""Numbers of files by size: alone, side by side, with an empty place, and in full rows."""

LOOKS = ("paper", "talk")
"""Styles of different sizes of text; that dark has paper's is tested below."""


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
    assert_fits(figure, look, least_share(kind, look, size, count))
    return True


@pytest.mark.parametrize(("kind", "look", "size", "count"), FAST)
def test_texts_and_panels_fit(kind, look, size, count):
    assert check(kind, look, size, count)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("kind", ["contour", "heatmap", "relief", "line", "comparison"])
def test_texts_and_panels_fit_whatever_their_number(kind, look, size):
    drawn = [check(kind, look, size, count) for count in COUNTS[size]]
    most = {None: 6, "column": 2, "double": 4, "3.3x2.6": 1}[size]
    assert all(fits for fits, count in zip(drawn, COUNTS[size], strict=True) if count <= most)
    assert drawn == sorted(drawn, reverse=True)


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


@pytest.mark.parametrize("width", [2.8, 2.84])
def test_titles_stay_within_the_figure_at_other_resolutions(width):
    """Letters are up to 6 % wider in pictures of few dots per inch."""
    named = replace(panels("contour", 1)[0], label="ResNet-44, width 0.5, no shortcuts")
    figure = draw([named], "contour", size=Size(width, 2.8))
    figure.set_dpi(76)
    wrong, _ = faults(figure, "paper")
    assert not wrong
    box = figure.axes[0].title.get_window_extent(figure.canvas.get_renderer())
    assert 0.5 * MARGIN * 76 <= box.x0 < box.x1 <= (width - 0.5 * MARGIN) * 76
