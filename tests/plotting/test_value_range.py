import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.errors import UsageError
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import style
from landscape_cli.plotting.value_range import fit, notes
from landscape_cli.records.tiles import Status


def plane(make_panel, *values, **kwargs):
    """Return a 2 x n plane, whose rows both have these values."""
    return make_panel(np.array([values, values]), x=f"0:1:{len(values)}", y="0:1:2", **kwargs)


def test_limits_are_the_finite_range_of_all_panels(make_panel):
    panels = [plane(make_panel, 2, 3, np.inf), plane(make_panel, -4, np.nan, 1)]
    scale = fit(panels)
    assert (scale.low, scale.high, scale.log, scale.extend) == (-4, 3, False, "neither")


def test_missing_points_do_not_affect_the_limits(make_panel):
    status = [[Status.OK, Status.OK, Status.FAILED]] * 2
    assert fit([plane(make_panel, 1, 2, 1000, status=status)]).high == 2


@pytest.mark.parametrize(
    ("values", "options", "log"),
    [
        ((0.01, 1e3), {}, True),
        ((0.01, 9.0), {}, False),
        ((0.0, 1e6), {}, False),
        ((-1.0, 1e6), {}, False),
        ((0.01, 1e3), {"log": False}, False),
        ((1.0, 2.0), {"log": True}, True),
        ((0.01, 1e3), {"vmax": 10}, False),
        ((0.01, 1e3), {"vmin": 0.1}, False),
    ],
)
def test_the_scale_is_logarithmic_by_default_only_for_wide_positive_values(
    make_panel, values, options, log
):
    assert fit([plane(make_panel, *values)], **options).log is log


def test_a_line_stays_linear_and_its_limits_include_the_band(make_panel):
    loss = {("train", "loss"): np.array([1e-3, 10.0])}
    error = {("train", "loss"): np.array([0.0, 1.0])}
    scale = fit([make_panel(loss, x="0:1:2", y=None, stderr=error)])
    assert not scale.log
    assert scale.low < 1e-3
    assert scale.high > 10 + 1.96


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0, 1e-30, 1e30])
def test_equal_values_get_a_range_around_them(make_panel, value):
    scale = fit([plane(make_panel, value, value)])
    assert scale.low < value < scale.high


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vmin": 3, "vmax": 3}, "--vmin 3 must be below --vmax 3"),
        ({"vmin": float("nan")}, "--vmin nan"),
        ({"vmax": float("inf")}, "--vmax inf"),
        ({"levels": 0}, "--levels 0"),
        ({"levels": 10**6}, "--levels 1000000"),
        ({"vmin": 50}, "no value is larger than 2"),
        ({"vmax": 0.5}, "no value is smaller than 1"),
        ({"log": True, "vmin": 0}, "--vmin 0 must be positive"),
    ],
)
def test_invalid_options_are_refused(make_panel, options, words):
    with pytest.raises(UsageError, match=words):
        fit([plane(make_panel, 1, 2)], **options)


def test_surfaces_without_drawable_values_are_refused_by_name(make_panel):
    todo = plane(make_panel, 1, 2, status=[[0, 0]] * 2, source="todo.h5")
    bad = plane(make_panel, np.nan, np.inf, source="bad.h5")
    low = plane(make_panel, -1, 0, source="low.h5")
    good = plane(make_panel, 1, 2)
    with pytest.raises(UsageError, match=r"todo\.h5: no point is computed yet"):
        fit([good, todo])
    with pytest.raises(UsageError, match=r"bad\.h5: none of the 4 points computed"):
        fit([good, bad])
    with pytest.raises(UsageError, match=r"--log: no train loss in low\.h5 is positive"):
        fit([good, low], log=True)


def test_values_that_would_overflow_are_refused(make_panel):
    with pytest.raises(UsageError, match="--vmax: values reach"):
        fit([plane(make_panel, -1, 1e300)])


def test_notes_state_what_is_clipped(make_panel):
    panels = [plane(make_panel, 0, 1, 5, 20, source="a.h5"), plane(make_panel, 5, 6, source="b.h5")]
    scale = fit(panels, vmin=0.5, vmax=10)
    assert scale.extend == "both"
    assert scale.clipped(panels[0]) == (0.25, 0.25)
    assert notes(panels, scale, "and are drawn at it") == [
        "25.0 % of the train loss values in a.h5 lie below --vmin 0.5 and are drawn at it",
        "25.0 % of the train loss values in a.h5 lie above --vmax 10 and are drawn at it",
    ]


def test_notes_state_what_a_logarithmic_scale_hides(make_panel):
    panel = plane(make_panel, 0, -1, 5, 20)
    scale = fit([panel], log=True)
    assert (scale.low, scale.high) == (5, 20)
    assert scale.hidden(panel)[0].tolist() == [True, True, False, False]
    (note,) = notes([panel], scale, "")
    assert note.startswith("4 of the train loss values in run.h5 are not positive")


def test_drawn_values_are_logarithms_and_masked_where_undrawable(make_panel):
    panel = plane(make_panel, 1e-2, 0, np.nan, 1e4)
    drawn = fit([panel], log=True).drawn(panel)
    assert drawn.mask[0].tolist() == [False, True, True, False]
    assert drawn[0, 0] == pytest.approx(-2)
    assert drawn[0, 3] == pytest.approx(4)


def test_logarithmic_ticks_are_powers_of_ten():
    places, words = Scale(1e-2, 1e6, log=True).ticks()
    assert places.tolist() == list(range(-1, 6))
    assert words == [rf"$10^{{{k}}}$" for k in range(-1, 6)]


def test_a_requested_number_of_levels_is_exact():
    assert Scale(0, 10, levels=4).lines().tolist() == [2, 4, 6, 8]
    assert Scale(0, 10, levels=4).bands().tolist() == [0, 2.5, 5, 7.5, 10]
    np.testing.assert_allclose(Scale(1, 1e4, log=True, levels=3).lines(), [1, 2, 3])


def test_logarithmic_bands_are_many_and_end_at_round_values():
    halves = Scale(2.3e-4, 1.2e6, log=True).bands()
    np.testing.assert_allclose(halves[1:-1], np.arange(-3.5, 6.5, 0.5))
    fives = Scale(0.0007, 120, log=True).bands()
    np.testing.assert_allclose(10 ** fives[1:6], [1e-3, 2e-3, 5e-3, 1e-2, 2e-2])
    sevens = Scale(0.9, 5000, log=True).bands()
    np.testing.assert_allclose(10 ** sevens[1:8], [1, 1.5, 2, 3, 5, 7, 10])
    for decades in np.arange(0.2, 14, 0.2):
        bands = Scale(0.3, 0.3 * 10**decades, log=True).bands()
        assert 10 <= len(bands) - 1 <= 29
        assert len(bands) - 1 >= 12 or decades < 1
        inner = np.diff(bands)[1:-1]
        assert inner.max() < 2.8 * inner.min() or decades < 1


positive = st.floats(1e-12, 1e12)


@given(positive, st.floats(1.0001, 1e12), st.booleans())
def test_levels_ascend_between_the_limits(low, ratio, log):
    scale = Scale(low, low * ratio, log=log)
    bands, lines = scale.bands(), scale.lines()
    assert (bands[0], bands[-1]) == scale.ends
    assert (np.diff(bands) > 0).all()
    assert 3 <= len(bands) <= 30
    assert (np.diff(lines) > 0).all()
    assert scale.ends[0] < lines[0]
    assert lines[-1] < scale.ends[1]
    if ticks := scale.ticks():
        assert 1 <= len(ticks[0]) == len(ticks[1]) <= 10


def test_the_margin_below_a_line_is_that_of_the_range_shown(make_panel):
    panel = make_panel(np.array([0.0, 1.0, 1000.0]), y=None, x="0:2:3")
    assert fit([panel], vmax=10).low == pytest.approx(-0.5)
    assert fit([panel], vmin=900).high == pytest.approx(1005)


def test_colours_diverge_from_the_value_at_the_centre(make_panel):
    panel = make_panel(lambda x, y: 5 + x**2 - 3 * y**2)
    scale = fit([panel], around="centre")
    assert scale.around == 5
    (low, middle, high) = scale.colors(scale.norm([2.0, 5.0, 6.0]))
    np.testing.assert_allclose(middle[:3], 0.97, atol=0.02)
    assert low[2] > low[0] + 0.2
    assert high[0] > high[2]
    assert abs(high[:3] - middle[:3]).max() < abs(low[:3] - middle[:3]).max()


@pytest.mark.parametrize("around", [2.5, -100.0, 1e3])
def test_colours_diverge_from_any_value(make_panel, around):
    scale = fit([make_panel(lambda x, y: 5 + x - y)], around=around)
    assert scale.around == around
    red, _, blue, _ = np.asarray(scale.colors(0.5))
    assert (red > blue) == (around < 5)


def test_a_colour_map_that_is_named_diverges_too(make_panel):
    with style("paper", "coolwarm"):
        scale = fit([make_panel(lambda x, y: x**2 + y**2)], around="centre")
        np.testing.assert_allclose(
            scale.colors(0.0), matplotlib.colormaps["coolwarm"](0.5), atol=0.02
        )
        np.testing.assert_allclose(scale.colors(1.0), matplotlib.colormaps["coolwarm"](1.0))


def test_wide_values_stay_on_a_linear_scale_around_one(make_panel):
    panel = make_panel(lambda x, y: 10 ** (5 * abs(x)) + 0 * y)
    assert fit([panel]).log
    assert not fit([panel], around=1.0).log


def test_values_from_which_colours_cannot_diverge_are_refused(make_panel):
    panel, line = make_panel(lambda x, y: 2 + x * y), make_panel(lambda x: x, y=None)
    other = make_panel(lambda x, y: 3 + x * y, source="other.h5")
    even = make_panel(lambda x, y: x * y, "-1:1:4", "-1:1:4")
    cases = [
        ([panel], {"log": True, "around": 2.0}, "--around 2: colours diverge on a linear scale"),
        ([line], {"around": 2.0}, "--around 2: does not apply to lines"),
        ([panel], {"around": float("nan")}, "--around nan: give a number, or centre"),
        ([panel], {"around": "center"}, "--around center: give a number, or centre"),
        ([even], {"around": "centre"}, "--around centre: run.h5 has no value at the centre"),
        (
            [panel, other],
            {"around": "centre"},
            "--around centre: the centres differ, 2 in run.h5 and 3 in other.h5; give one value, "
            "such as 2, or draw them apart",
        ),
    ]
    for panels, options, message in cases:
        with pytest.raises(UsageError) as error:
            fit(panels, **options)
        assert str(error.value).startswith(message)
    assert fit([panel, panel], around="centre").around == 2
