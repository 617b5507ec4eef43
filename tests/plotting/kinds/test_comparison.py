"""Lines of several surfaces in one axes."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.kinds.comparison import names_of
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.picture import picture
from landscape_cli.records.curves import curve_of
from landscape_cli.records.curves.facts import CurveFacts

ENDS = [{"label": "a", "coordinates": [0.0]}, {"label": "b", "coordinates": [1.0]}]


def along(shape, points=3):
    """Return the provenance of a line along a curve through points of a parabola."""
    x = np.linspace(0, 1, points)
    places = np.stack([x, x * (1 - x)], axis=1)
    facts = CurveFacts(curve_of(shape, points), places @ places.T)
    label = f"t along the {shape} from a to b"
    return {
        "curve": facts.as_mapping(),
        "checkpoints": ENDS,
        "network": {"name": "Net"},
        "slice": {"axes": {"x": {"label": label}}, "origin": [0.0]},
        "batch_norm": "recalibrate",
    }


@pytest.fixture
def lines(make_surface):
    """Return a function that returns the panels of lines with these facts, named 0.h5, 1.h5, ..."""

    def make(*provenances, splits=("train",), x="0:1:5"):
        panels = []
        for number, facts in enumerate(provenances):
            values = {
                (split, "loss"): (number + place) * np.linspace(1, 2, int(x.rsplit(":", 1)[-1]))
                for place, split in enumerate(splits)
            }
            surface = make_surface(values, x=x, y=None, provenance=facts)
            panels += select_panels(surface, None, None, f"{number}.h5")
        return panels

    return make


STRAIGHT, CHAIN, BEZIER = along("bezier", 2), along("chain"), along("bezier")


def drawn(axes):
    """Return the lines with values by name; the others are marks."""
    return [line for line in axes.get_lines() if len(line.get_xdata()) == 5]


def test_lines_along_curves_share_one_axes(lines, legend):
    panels = lines(STRAIGHT, CHAIN, BEZIER)
    (axes,) = draw(panels).axes
    assert legend(axes) == ["straight line", "polygonal chain", "Bézier curve"]
    for line, panel in zip(drawn(axes), panels, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), panel.z)
    assert len({(line.get_color(), line.get_linestyle()) for line in drawn(axes)}) == 3
    assert axes.get_title() == "Net"
    assert axes.get_xlabel() == "x: t along each curve"
    assert axes.get_ylabel() == "train loss"
    (subtitle,) = [text.get_text() for text in axes.texts if text.get_gid() == "subtitle"]
    assert subtitle == "batch norm recalibrated"
    names = [text.get_text() for text in axes.texts if text.get_gid() == "checkpoint"]
    assert names == ["a", "b"]


def test_every_treatment_of_batch_norm_is_named(lines):
    panels = lines(
        BEZIER, {**BEZIER, "batch_norm": "perturb"}, BEZIER, {**BEZIER, "batch_norm": None}
    )
    (axes,) = draw(panels).axes
    (subtitle,) = [text.get_text() for text in axes.texts if text.get_gid() == "subtitle"]
    assert subtitle == "batch norm recalibrated or perturbed"


def test_a_colour_belongs_to_a_surface_and_dashes_to_a_split(lines, legend):
    panels = lines(STRAIGHT, CHAIN, splits=("train", "test"))
    (axes,) = draw(panels).axes
    assert legend(axes) == ["straight line", "polygonal chain", "train", "test"]
    styles = [(to_hex(line.get_color()), line.get_linestyle()) for line in drawn(axes)]
    colors, dashes = zip(*styles, strict=True)
    assert colors[0] == colors[1] != colors[2] == colors[3]
    assert dashes[0] == dashes[2] != dashes[1] == dashes[3]


@pytest.mark.parametrize("count", [5, 8])
def test_more_surfaces_than_a_style_has_colours_differ(lines, count):
    axes = draw(lines(*[BEZIER] * count, splits=("train", "test"))).axes[0]
    assert len({to_hex(line.get_color()) for line in drawn(axes)}) == count


@pytest.mark.parametrize(
    ("provenances", "expected"),
    [
        ((STRAIGHT, CHAIN), ["straight line", "polygonal chain"]),
        ((BEZIER, BEZIER), ["0", "1"]),
        ((BEZIER, {**BEZIER, "network": {"name": "Wide"}}), ["Net", "Wide"]),
    ],
)
def test_names_are_what_differs(lines, provenances, expected):
    assert names_of(lines(*provenances)) == expected


def test_the_users_labels_are_the_names(make_surface, legend):
    surfaces = [
        make_surface(np.arange(5.0), x="0:1:5", y=None, provenance=facts)
        for facts in (BEZIER, CHAIN)
    ]
    request = Request(labels=["curved", "$broken$"])
    axes = draw(request.panels(surfaces, ["0.h5", "1.h5"])).axes[0]
    assert legend(axes)[0] == "curved"
    assert axes.get_title() == "Net"


def test_other_lines_are_side_by_side_unless_asked_for(lines, legend):
    panels = lines({"network": {"name": "Net"}}, BEZIER)
    assert len(draw(panels).axes) == 2
    (axes,) = draw(panels, "comparison").axes
    assert legend(axes) == ["0", "1"]
    assert axes.get_xlabel() == "x"
    assert len(draw(lines(BEZIER)).axes) == 1
    assert len(draw(lines(*[BEZIER] * 9)).axes) == 9


def test_a_second_axis_needs_lines_side_by_side(make_surface):
    values = {("train", "loss"): np.arange(5.0), ("train", "accuracy"): np.ones(5)}
    surfaces = [make_surface(values, x="0:1:5", y=None, provenance=BEZIER) for _ in range(2)]
    for kind in (None, "comparison"):
        request = Request(kind=kind, twin="accuracy")
        panels, twins = (get(surfaces, ["0.h5", "1.h5"]) for get in (request.panels, request.twins))
        if kind is None:
            assert request.picture(panels, twins).kind == "line"
            continue
        with pytest.raises(UsageError, match="--twin accuracy: --kind comparison has one axis"):
            request.picture(panels, twins)


def test_the_caption_states_lengths(lines):
    caption = Request().picture(lines(STRAIGHT, CHAIN)).caption
    assert "length 1)" in caption
    assert "length 1.12, its ends 1 apart" in caption


def test_the_terminal_draws_them_one_below_another(lines):
    found = Request().picture(lines(STRAIGHT, CHAIN))
    text = "\n".join(picture(found.panels, found.kind, found.scale, 60, 30, Depth.PLAIN))
    assert "t along the bezier from a to b" in text
    assert "t along the chain from a to b" in text


def test_planes_are_refused(make_panel):
    with pytest.raises(UsageError, match="--kind comparison: run.h5 is a plane"):
        draw([make_panel(lambda x, y: x)], "comparison")


def by_length(make_surface, *provenances, x="0:1:5"):
    request = Request(along="length")
    surfaces = [make_surface(np.ones(5), x=x, y=None, provenance=facts) for facts in provenances]
    return request.panels(surfaces, [f"{number}.h5" for number in range(len(surfaces))])


def test_the_length_of_a_chain_is_its_x_axis(make_surface):
    (panel,) = by_length(make_surface, CHAIN)
    axes = draw([panel]).axes[0]
    (line,) = drawn(axes)
    half = np.hypot(0.5, 0.25)
    expected = np.array([0, half / 2, half, 1.5 * half, 2 * half])
    np.testing.assert_allclose(line.get_xdata(), expected)
    assert axes.get_xlim() == pytest.approx((0, 2 * half))
    assert axes.get_xlabel() == "x: length along the chain from a to b"
    assert upright(axes) == pytest.approx([0, 2 * half])


def test_lengths_of_several_curves_end_where_each_ends(make_surface):
    axes = draw(by_length(make_surface, STRAIGHT, CHAIN)).axes[0]
    assert axes.get_xlabel() == "x: length along each curve"
    ends = [line.get_xdata()[-1] for line in drawn(axes)]
    np.testing.assert_allclose(ends, [1, 2 * np.hypot(0.5, 0.25)])
    assert axes.get_xlim()[1] == pytest.approx(max(ends))
    np.testing.assert_allclose(upright(axes), [0, *ends])


def upright(axes):
    return [line.get_xdata()[0] for line in axes.lines if line.get_gid() == "upright"]


@pytest.mark.parametrize(
    ("facts", "x", "message"),
    [
        ({}, "0:1:5", "--along length: 0.h5 is not a line along a curve; leave it out"),
        (BEZIER, "-0.5:1:5", "--along length: 0.h5 goes beyond the ends of its curve .t from -0.5"),
    ],
)
def test_lengths_that_do_not_exist_are_refused(make_surface, facts, x, message):
    with pytest.raises(UsageError, match=message):
        by_length(make_surface, facts, x=x)


def test_an_unknown_x_axis_is_refused(make_surface):
    surface = make_surface(np.ones(5), x="0:1:5", y=None, provenance=BEZIER)
    with pytest.raises(UsageError, match="--along time: choose t or length"):
        Request(along="time").panels([surface], ["0.h5"])
