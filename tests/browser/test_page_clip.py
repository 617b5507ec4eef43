"""Clipping on the page, compared with the limits, the cells and the counts of `landscape plot`."""

import numpy as np
import pytest

from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.text import labels
from landscape_cli.plotting.value_range import fit

pytestmark = pytest.mark.browser

KEY = [("train", "loss")]


def rough(x, y):
    values = np.exp(np.random.default_rng(3).normal(0, 3, x.shape))
    values[0, 0], values[0, 1], values[2, 2], values[3, 3] = -2, np.inf, 2.5, 1e5
    return values


@pytest.fixture
def opened(open_page, make_surface):
    opened = open_page({"one": make_surface(rough, keys=KEY)}, log=False)
    (opened.panel,) = select_panels(make_surface(rough, keys=KEY), None, None, "one.h5")
    return opened


def type_limit(opened, text):
    opened.page.fill("#limit", text)
    opened.page.press("#limit", "Enter")
    opened.settle()


def test_a_typed_limit_cuts_as_plot_does(opened):
    values = opened.panel.z
    for log, limit in [(False, 2.5), (False, 0.1), (True, 2.5), (True, 40.0), (True, 1e6)]:
        opened.page.select_option("#scale", "log" if log else "linear")
        opened.settle()
        type_limit(opened, f"{limit}")
        scale = fit([opened.panel], log=log, vmax=limit)
        low, high = opened.ask("[panels[0].scale.low, panels[0].scale.limit]")
        assert (low, high) == pytest.approx((scale.low, scale.high), rel=1e-6)
        # The points above the limit are the same, so the same cells are cut; the rest is as high.
        above = scale.visible(opened.panel) & (values > limit)
        heights = np.reshape(opened.ask("Array.from(panels[0].heights)"), values.shape)
        np.testing.assert_array_equal(heights > 1, above)
        bottom, top = scale.ends
        expected = (scale.heights(values) - bottom) / (top - bottom)
        np.testing.assert_allclose(heights[~above], expected[~above], rtol=1e-5, atol=1e-6)
        _, share = scale.clipped(opened.panel)
        words = f"{labels.share(share)} of the points lie above {limit:g} and are cut off"
        assert (words in opened.notes()) == bool(share)
        assert bool(opened.traces("flat", "lid")) == bool(share)


def test_the_surface_goes_beyond_the_limit_where_the_lid_is(opened):
    type_limit(opened, "2.5")
    (surface,) = opened.ask(
        "panels[0].solid.data.filter(one => one.meta === 'surface').map(one => one.z.map("
        "row => [...row]))"
    )
    (lid,) = opened.ask(
        "panels[0].solid.data.filter(one => one.meta === 'lid').map(one => one.surfacecolor.map("
        "row => [...row]))"
    )
    shown = np.array(surface, dtype=float)
    np.testing.assert_array_equal(np.array(lid, dtype=float) > 1, shown > 1)
    parts = (shown.shape[0] - 1) // 4
    coarse = shown[::parts, ::parts]
    np.testing.assert_allclose(np.minimum(coarse, 1), opened.heights(), atol=1e-6)
    # The box ends at the limit, so what is beyond it is not drawn.
    assert opened.ask("panels[0].solid.layout.scene.zaxis.range") == [0, 1.0005]


def test_the_slider_is_logarithmic_and_reset_with_the_scale(opened):
    def limit_at(step):
        opened.page.locator("#clip").fill(str(step))
        opened.settle()
        return opened.ask("state.limit")

    finite = opened.panel.z[np.isfinite(opened.panel.z)]
    low, high = finite.min(), finite.max()
    assert limit_at(500) == pytest.approx(low + (high - low) / 100, rel=1e-2)
    assert float(opened.page.input_value("#limit")) == opened.ask("state.limit")
    opened.page.select_option("#scale", "log")
    opened.settle()
    assert opened.ask("state.limit") is None
    assert opened.page.input_value("#limit") == ""
    assert opened.page.input_value("#clip") == "1000"
    low = finite[finite > 0].min()
    assert limit_at(500) == pytest.approx(np.sqrt(low * high), rel=1e-2)
    assert limit_at(1000) is None


def test_a_limit_that_cannot_be_is_refused_with_a_reason(opened):
    for text, words in [
        ("much", "not a number"),
        ("-3", "no value is below; the lowest is \u22122"),
    ]:
        type_limit(opened, text)
        assert opened.page.inner_text("#refused") == words
        assert opened.page.get_attribute("#limit", "aria-invalid") == "true"
        assert opened.ask("state.limit") is None
    type_limit(opened, "3")
    assert opened.page.inner_text("#refused") == ""
