"""Names from files are drawn as they are, whatever matplotlib would make of them."""

from io import BytesIO

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from builders import surface
from landscape_cli import plot
from landscape_cli.plotting import KINDS
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.terminal.colors import Depth
from landscape_cli.plotting.terminal.picture import picture
from landscape_cli.plotting.text.labels import legend_text, plain

NAMES = ["$x^2$", r"$\frac{_ <b>", r"_b^\$ {x}%d $"]
NUMBER = "mathdefault"  # in matplotlib's own numbers at ticks
FLAT = [kind for kind in KINDS if kind not in ("line", "surface", "relief", "render")]


def panels_of(name, axes=("-1:1:5", "-1:1:5")):
    """Return a panel of a surface in which everything is called like this."""
    values = {(name, name): lambda x, y=0.0: 1 + x**2 + y**2}
    if len(axes) == 1:
        values[f"{name}2", name] = values[name, name]
    places = [{"label": name, "coordinates": [0.5] * len(axes)}]
    facts = {
        "network": {"name": name},
        "directions": {axis: {"kind": "file", "label": name} for axis in "xy"},
        "checkpoints": places,
        "trajectory": {"coordinates": [[0, 0], [0.5, 0.5]], "name": name},
        "other_trajectories": [{"coordinates": [[0, 0], [0.5, 0.5]], "name": f"{name}2"}],
    }
    made = surface(values, *axes, stderr=0.1, provenance=facts)
    return select_panels(made, None, name, f"{name}.h5")


def drawn(figure):
    """Draw a figure; return its texts as they are drawn, and those with mathematics."""
    figure.savefig(BytesIO(), format="svg")
    found = [text for text in figure.findobj(Text) if text.get_text()]
    texts = [text._preprocess_math(text.get_text()) for text in found]
    mathematics = [text for text, math in texts if math and NUMBER not in text]
    return [text for text, math in texts if not math], mathematics


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in ("contour", "line") else pytest.param(kind, marks=pytest.mark.slow)
        for kind in (*FLAT, "surface", "relief", "render", "line", "comparison")
    ],
)
def test_names_are_drawn_as_they_are(kind, name):
    axes = ("-1:1:5",) if KINDS[kind].axes == 1 else ("-1:1:5", "-1:1:5")
    panels = panels_of(name, axes)
    texts, mathematics = drawn(draw(panels, kind, text=f"A caption of {name}.", title=name))
    assert not mathematics
    together = "\n".join(texts)
    shown = name.replace("_", " ").strip()
    for expected in (name, f"x: {name}", shown, f"A caption of {name}."):
        assert expected in together or " ".join(expected.split()) in together
    if KINDS[kind].axes == 2:
        assert f"{name}: 2 checkpoints" in together
        assert f"{name}2: 2 checkpoints" in together


@pytest.mark.parametrize("name", NAMES)
def test_clipped_splits_are_named_beside_mathematics(name):
    panels = panels_of(name, ("-1:1:5",))
    scale = Request(vmax=1e-9, vmin=1e-12).picture(panels).scale
    figure = draw(panels, "line", scale)
    figure.savefig(BytesIO(), format="png", dpi=30)
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert plain(name) + r" above $10^{-9}$ (100.0 %)" in words


def test_two_axes_name_their_quantities():
    name = "$q^"
    values = {("train", name): np.arange(5.0), ("train", "$r_"): np.arange(5.0)}
    request = Request(quantity=name, twin="$r_")
    made = [surface(values, "-1:1:5")]
    chosen = request.picture(request.panels(made, ["a.h5"]), request.twins(made, ["a.h5"]))
    texts, mathematics = drawn(draw(chosen.panels, chosen.kind, chosen.scale, twin=chosen.twin))
    assert not mathematics
    assert {"train $q^", "train $r"} <= set(texts)


@given(st.text(st.characters(max_codepoint=0x24F), max_size=20))
@settings(max_examples=50, deadline=None)
def test_any_text_can_be_drawn(name):
    figure = matplotlib.figure.Figure(figsize=(1, 1))
    for text in (plain(name), legend_text(name), f"{plain(name)} $10^5$"):
        figure.text(0, 0, text)
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(BytesIO(), format="svg")


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", [*NAMES, "a\x1b]0;b\x07", "c\u202ed", "e\u200bf", "g\u2028h\x85"])
def test_names_in_the_terminal(name, depth):
    for axes, kind in ((("-1:1:5", "-1:1:5"), "contourf"), (("-1:1:5",), "line")):
        request = Request(quantity=name)
        panels = panels_of(name, axes)
        chosen = request.picture(panels)
        lines = picture(panels, kind, chosen.scale, 200, 30, depth)
        text = "\n".join(lines)
        assert "\x07" not in text
        assert not any(char in text for char in "\u202e\u200b\u2028\x85")
        assert text.count("\x1b") == text.count("\x1b[")
        if name in NAMES:
            assert name in text


def test_mathematics_of_the_caller_is_kept_unless_it_can_not_be_drawn(make_surface):
    made = make_surface(lambda x, y: x * x + y * y)
    figure = plot(made, labels=[r"$\lambda = 0.1$"], title=r"$\frac{")
    texts, mathematics = drawn(figure)
    assert mathematics == [r"$\lambda = 0.1$"]
    assert r"$\frac{" in texts


def test_latex_in_a_matplotlibrc_is_not_used(make_panel):
    with matplotlib.rc_context({"text.usetex": True, "text.parse_math": False}):
        figure = draw([make_panel(lambda x, y: 1 + x * x + 1e5 * y**4)], "surface")
        assert not any(text.get_usetex() for text in figure.findobj(Text))
