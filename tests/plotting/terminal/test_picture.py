import re

import numpy as np
import pytest

from builders import surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.style import beyond_look
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.picture import picture
from landscape_cli.plotting.terminal.plane import RAMP

CODE = re.compile(r"\x1b\[[0-9;]*m")


def bowl(x, y=0.0):
    return x**2 + 2 * y**2


def lines_of(panels, depth=Depth.PLAIN, width=40, height=16, **options):
    found = Request(**options).picture(list(panels))
    return picture(found.panels, found.kind, found.scale, width, height, depth)


def rows(lines):
    """Return the rows of a picture in plain characters, without the left axis."""
    return [line[9:] for line in lines if re.match(r"[ 0-9.e+-]{8}[|+]", line[:9])][:-1]


def middle(lines):
    return [row for row in rows(lines) if set(row) - set("+-")]


@pytest.mark.parametrize("kind", ["contourf", "heatmap"])
def test_the_ramp_goes_from_low_to_high(make_panel, kind):
    panel = make_panel(lambda x, y: x, x="1:3:10", y="1:2:5")
    drawn = middle(lines_of([panel], kind=kind, width=23, height=13))
    assert drawn
    assert set(drawn) == {RAMP}


def test_values_between_points_are_interpolated_except_in_heatmaps(make_panel):
    panel = make_panel(lambda x, y: x, x="1:2:2", y="1:2:2")
    (smooth,) = set(middle(lines_of([panel], kind="contourf")))
    (steps,) = set(middle(lines_of([panel], kind="heatmap")))
    assert list(smooth) == sorted(smooth, key=RAMP.index)
    assert len(set(smooth)) == 10
    assert set(steps) == {RAMP[0], RAMP[-1]}


@pytest.mark.parametrize("kind", ["contourf", "contour", "heatmap"])
def test_what_lies_beyond_the_limits_is_marked_and_has_no_colour_of_the_scale(make_panel, kind):
    panel = make_panel(lambda x, y: x, x="0:9:10", y="1:2:5")
    options = {"kind": kind, "vmin": 2, "vmax": 6, "width": 33, "height": 13}
    lines = lines_of([panel], **options)
    (drawn,) = set(middle(lines))
    assert re.fullmatch(r"_{3,6}[^_^]+\^{5,8}", drawn)
    assert {"_ below 2 (20.0 %)", "^ above 6 (30.0 %)"} <= set(lines)
    colored = lines_of([panel], Depth.FULL, **options)
    row = next(line for line in colored if "^" in CODE.sub("", line))
    text = CODE.sub("", row)[9:]
    assert (text.count("_"), text.count("^")) == (drawn.count("_"), drawn.count("^"))
    for above, end in ((False, "_"), (True, "^")):
        face, edge = (
            ";".join(str(round(255 * part)) for part in beyond_look(above)[name])
            for name in ("facecolor", "edgecolor")
        )
        assert re.search(rf"38;2;{edge}m\x1b\[48;2;{face}m\{end}+", row)


def test_nothing_is_beyond_limits_that_the_values_have(make_panel):
    panel = make_panel(lambda x, y: 0.1 + 0 * x, x="0:1:7", y="0:1:5")
    steep = make_panel(lambda x, y: np.where(x > 0.5, 0.3, 0.1), x="0:1:7", y="0:1:5")
    for one in (panel, steep):
        assert not {"_", "^"} & set("".join(middle(lines_of([one]))))


def test_x_increases_to_the_right_and_y_upwards(make_panel):
    drawn = middle(lines_of([make_panel(lambda x, y: x + 10 * y)], kind="heatmap"))
    assert drawn[0][-1] == RAMP[-1]
    assert drawn[-1][0] == RAMP[0]
    assert RAMP.index(drawn[0][0]) > RAMP.index(drawn[-1][-1])


def test_the_centre_is_marked_at_its_position(make_panel):
    lines = lines_of([make_panel(bowl, x="-1:3:5")])
    drawn = middle(lines)
    ((row, column),) = [(i, r.index("O")) for i, r in enumerate(drawn) if "O" in r]
    assert row == pytest.approx(len(drawn) / 2, abs=1)
    assert column == pytest.approx(len(drawn[0]) / 4, abs=1)
    assert "O centre" in lines
    assert not any("centre" in line for line in lines_of([make_panel(bowl, x="1:2:3")]))


def test_the_legend_has_the_extremes_and_the_value_at_the_centre(make_panel):
    lines = lines_of([make_panel(lambda x, y: bowl(x - 0.5, y) + 1)], width=60)
    assert "min 1 at (0.5, 0), max 5.25, centre 1.25" in lines
    assert any(line.startswith("1 ") and line.endswith("5.25  train loss") for line in lines)


def test_missing_and_non_finite_points_are_marked(make_panel):
    status = np.ones((5, 5))
    status[:2] = 0
    values = bowl(*np.meshgrid(np.linspace(-1, 1, 5), np.linspace(-1, 1, 5)))
    values[4, 4] = np.nan
    status[4, 4] = 2
    panel = make_panel(values, status=status)
    lines = lines_of([panel], raw=True)
    drawn = middle(lines)
    assert set(drawn[-1]) == {"/"}
    assert set("".join(drawn[: len(drawn) // 2])) & {"/"} == set()
    assert drawn[0][-1] == "x"
    assert "/ not computed (10 points)" in lines
    assert "x not finite (1 point)   O centre" in lines


def test_contour_lines_of_a_slope_along_x_are_vertical(make_panel):
    panel = make_panel(lambda x, y: x, x="0:1:9", y="1:2:9")
    drawn = middle(lines_of([panel], kind="contour", levels=3, width=60, height=20))
    assert len(set(drawn)) == 1
    width = len(drawn[0]) + len(drawn[0]) % 2
    places = [i for i, letter in enumerate(drawn[0]) if letter != " "]
    assert len(places) == 3
    assert places[1] == pytest.approx(2 * places[0], abs=2)
    assert places[2] < width


@pytest.mark.parametrize("depth", [Depth.FEW, Depth.FULL])
def test_each_character_holds_two_pixels(make_panel, depth):
    lines = lines_of([make_panel(bowl)], depth)
    blocks = [line for line in lines if "▀" in line]
    assert len(blocks) >= 8
    plain_width = {len(CODE.sub("", line)) for line in blocks}
    assert len(plain_width) == 1
    (width,) = plain_width
    assert (width - 9) / len(blocks) == pytest.approx(2, abs=0.3)
    assert "◎" in "".join(lines)


def test_blocks_have_the_colours_of_the_values(make_panel):
    from landscape_cli.plotting.style import colormap

    panel = make_panel(lambda x, y: x + y, x="-1:1:2", y="-1:1:2")
    first = next(line for line in lines_of([panel], Depth.FULL, kind="heatmap") if "▀" in line)
    codes = re.findall(r"38;2;(\d+);(\d+);(\d+)", first)
    expected = [
        [str(round(255 * channel)) for channel in colormap()(place)[:3]] for place in (0.5, 1.0)
    ]
    assert [list(codes[0]), list(codes[-1])] == expected


@pytest.mark.parametrize("width", [20, 41, 80, 200])
@pytest.mark.parametrize("y", ["-1:1:5", None])
def test_no_line_is_wider_than_the_terminal(make_panel, make_surface, width, y):
    surface = make_surface(bowl, y=y, provenance={"network": {"name": "a long name " * 30}})
    for depth in Depth:
        lines = lines_of(select_panels(surface, None, None, "run.h5"), depth, width)
        assert max(len(CODE.sub("", line)) for line in lines) <= max(width, 30)


def test_a_picture_fits_the_height(make_panel):
    for height in (20, 30, 50):
        assert len(lines_of([make_panel(bowl)], width=300, height=height)) <= height


def test_panels_are_stacked(make_panel):
    panels = [make_panel(bowl, source=name) for name in ("a.h5", "b.h5")]
    lines = lines_of(panels)
    assert lines.index("a") < lines.index("b")


def test_an_increasing_line_rises_from_the_lower_left(make_panel):
    drawn = middle(lines_of([make_panel(lambda x: x, y=None)], width=53, height=18))
    places = [row.index("*") for row in drawn if "*" in row]
    assert places == sorted(places, reverse=True)
    assert places[-1] == 0
    assert places[0] >= len(drawn[0].rstrip()) - 4


def test_each_split_of_a_line_has_its_own_letter(make_surface):
    ones = np.ones(5)
    values = {("train", "loss"): ones, ("test", "loss"): 2 * ones}
    lines = lines_of(select_panels(make_surface(values, y=None), None, None))
    drawn = rows(lines)
    test, train = (next(i for i, r in enumerate(drawn) if 3 * letter in r) for letter in "+*")
    assert test < train
    assert "* train   + test   loss" in lines


def test_a_line_in_braille_has_dots_in_every_column(make_panel):
    lines = lines_of([make_panel(lambda x: x, y=None)], Depth.FULL, width=53)
    texts = [CODE.sub("", line) for line in lines]
    dots = [(r, c) for r, t in enumerate(texts) for c, s in enumerate(t) if "⠀" < s <= "⣿"]
    columns = {c for r, c in dots if "train" not in texts[r]}
    assert columns == set(range(9, 9 + len(columns)))


def test_missing_points_leave_gaps_in_a_line(make_panel):
    status = np.ones(9)
    status[3:6] = 0
    panel = make_panel(lambda x: 0 * x + 1, x="0:8:9", y=None, status=status)
    lines = lines_of([panel], raw=True)
    row = next(r for r in middle(lines) if "*" in r)
    assert re.fullmatch(r"\*+ {5,}\*+ *", row)
    assert any("/" in r for r in middle(lines))
    assert "/ not computed (3)" in "\n".join(lines)


def test_three_dimensional_kinds_are_refused_with_alternatives(make_panel):
    with pytest.raises(UsageError, match="use contourf, contour or heatmap"):
        lines_of([make_panel(bowl)], kind="surface")


def test_names_cannot_control_the_terminal(make_panel):
    panel = make_panel(bowl, provenance={"network": {"name": "evil \x1b[2J name"}})
    assert not any("\x1b" in line for line in lines_of([panel]))


@pytest.mark.parametrize(
    ("values", "quantity", "log", "expected"),
    [
        (np.linspace(0.097, 1, 40), "accuracy", False, ["100", "50"]),
        (np.linspace(0.31, 3.7, 40), "loss", False, ["3", "2", "1"]),
        (np.logspace(-3.4, 2.2, 40), "loss", True, ["10", "0.1", "0.001"]),
    ],
)
def test_values_have_round_ticks_in_the_rows_of_the_curve(values, quantity, log, expected):
    line = surface({("train", quantity): values}, "0:39:40")
    (panel,) = select_panels(line, None, quantity, "run.h5")
    lines = lines_of([panel], height=20, width=13 + 40, log=log)
    labelled = {row[:8].strip(): row[9:] for row in lines if row[8:9] == "+" and row[:8].strip()}
    assert list(labelled) == expected
    for text, row in labelled.items():
        value = float(text) / panel.unit
        if values[0] <= value <= values[-1]:
            assert row.index("*") == pytest.approx(np.abs(values - value).argmin(), abs=3)
