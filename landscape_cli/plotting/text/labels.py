"""The words on a picture: titles, axis labels, names of quantities, numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath
from textwrap import wrap

import numpy as np

from landscape_cli.plotting.panel import Panel
from landscape_cli.records.presentation import PERCENT, axis_name, fact
from landscape_cli.records.presentation import share as share
from landscape_cli.records.tiles import Status
from landscape_cli.refinement.summary import error_of

ENDINGS = (".h5", ".hdf5")
"""What is left out of a file's name in a title."""

BATCH_NORM = {
    "frozen": "batch norm frozen",
    "perturb": "batch norm moved along",
    "recalibrate": "batch norm recalibrated",
}
"""What becomes of running statistics, in words."""

LONGEST = 46
"""How many characters of a title fit above a panel."""


def title(panel: Panel) -> str:
    """The network's name, or the file's if the surface does not say."""
    name = fact(panel.surface.provenance, "network", "name")
    return shorten(str(name)) if name else _stem(panel)


def subtitle(panel: Panel, with_split: bool = False, longest: int = LONGEST) -> str:
    """The file's name below the network's, batch norm's mode, and how much is drawn and computed.

    That takes a line of its own if the whole has more than ``longest`` characters.
    """
    parts = [] if title(panel) == _stem(panel) else [_stem(panel)]
    if with_split:
        parts.append(panel.split)
    words = [" ".join(parts), BATCH_NORM.get(str(fact(panel.surface.provenance, "batch_norm")))]
    words.append(None if panel.repeat is None else f"repeat {panel.repeat}")
    text = ", ".join(filter(None, words))
    progress = _progress(panel) if panel.whole.missing.any() else _interpolated(panel)
    if not progress:
        return text
    progress = "\n".join(wrap(f"({progress})", longest + 3))
    space = " " if len(text) + len(progress) < longest else "\n"
    return f"{text}{space}{progress}" if text else progress


def axis(panel: Panel, name: str) -> str:
    """What an axis is, such as "x: random direction, filter-normalized (seed 1)"."""
    return axis_name(panel.surface, name)


def quantity(panels: Sequence[Panel]) -> str:
    """What the values are, such as "test accuracy (%)"; without the split if they differ in it."""
    first = panels[0]
    words = [first.split] if all(p.split == first.split for p in panels) else []
    words.append(first.quantity.replace("_", " "))
    if first.quantity in PERCENT:
        words.append("(%)")
    return " ".join(words)


def count(number: int) -> str:
    """A number of points in words."""
    return "1 point" if number == 1 else f"{number} points"


def number(value: float) -> str:
    """A number of few digits; very large and small ones as a power of ten in mathtext."""
    text = f"{value:.4g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    factor = {"1": "", "-1": "-"}.get(mantissa, rf"{mantissa}\times")
    return rf"${factor}10^{{{int(exponent)}}}$"


def power(exponent: float) -> str:
    """Ten to a whole number, in mathtext."""
    return rf"$10^{{{round(exponent)}}}$"


def _progress(panel: Panel) -> str:
    """Which points are drawn if not all are, and how many are computed, rounded down."""
    computed = _computed(panel)
    if panel.shown is None:
        return computed
    names = panel.surface.grid.names
    drawn = " x ".join(str(len(panel.shown[name])) for name in names)
    every = " x ".join(str(panel.surface.grid.axes[name].points) for name in names)
    return f"{drawn} of {every} points, {computed}"


def _interpolated(panel: Panel) -> str:
    """How many points are computed and by how much the interpolated ones may err, if there are."""
    facts = fact(panel.surface.provenance, "adaptive") or {}
    error = error_of(facts, panel.split, panel.quantity)
    if error is None or not panel.surface.interpolated:
        return ""
    return f"{_computed(panel)}, rest within {error}"


def _computed(panel: Panel) -> str:
    """How many points of the grid are computed, rounded down."""
    status = panel.surface.status
    percent = math.floor(100 * float(np.isin(status, (Status.OK, Status.NOT_FINITE)).mean()))
    return f"{percent or 'less than 1'} % computed"


def _stem(panel: Panel) -> str:
    path = PurePath(panel.source)
    return shorten(str(path.with_suffix("")) if path.suffix in ENDINGS else panel.source)


def shorten(text: str, longest: int = LONGEST) -> str:
    """A text of at most so many characters, without its middle if need be, for any picture."""
    text = text.replace("$", r"\$")
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
