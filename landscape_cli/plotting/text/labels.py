"""Text on a picture: titles, axis labels, names of quantities, numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from textwrap import wrap

import numpy as np
from matplotlib.mathtext import MathTextParser

from landscape_cli.errors import one_line
from landscape_cli.plotting.panel import Panel
from landscape_cli.records.presentation import PERCENT, axis_name, fact, naming, quantized_words
from landscape_cli.records.presentation import share as share
from landscape_cli.records.tiles import Status
from landscape_cli.refinement.sampling_summary import numbers_of
from landscape_cli.refinement.summary import error_of

EXTENSIONS = (".h5", ".hdf5")
"""File extensions that titles omit."""

BATCH_NORM = {
    "frozen": "batch norm frozen",
    "perturb": "batch norm perturbed",
    "recalibrate": "batch norm recalibrated",
}
"""Treatment of the running statistics, in words."""

MAX_LENGTH = 46
"""Maximum number of characters of a title."""


def title(panel: Panel) -> str:
    """Return the user's label, else the network's name, or the file's if there is neither."""
    if panel.label is not None:
        return panel.label
    name = fact(panel.surface.provenance, "network", "name")
    return shorten(str(name)) if name else _stem(panel)


def title_with_file(panel: Panel) -> str:
    """Return the title followed by the file's name, once if they are the same."""
    return ", ".join(dict.fromkeys([title(panel), _stem(panel)]))


def subtitle(panel: Panel, with_split: bool = False, longest: int = MAX_LENGTH) -> str:
    """Return the file's name, how the network is treated, and the progress of a surface.

    A last line states the value at the centre that was asked for.

    The progress is on a separate line if the text would exceed ``longest`` characters. The file's
    name is omitted if it is the title.
    """
    parts = [] if panel.label is not None or title(panel) == _stem(panel) else [_stem(panel)]
    if with_split:
        parts.append(panel.split)
    words = [" ".join(parts), BATCH_NORM.get(str(fact(panel.surface.provenance, "batch_norm")))]
    words.append(quantized_words(panel.surface.provenance.get("quantize")))
    words.append(None if panel.repeat is None else f"repeat {panel.repeat}")
    text = ", ".join(filter(None, words))
    progress = _progress(panel) if panel.whole.missing.any() else _estimated(panel)
    if progress:
        progress = "\n".join(wrap(f"({progress})", longest + 3))
        space = " " if len(text) + len(progress) < longest else "\n"
        text = f"{text}{space}{progress}" if text else progress
    return "\n".join(filter(None, [text, _at_centre(panel)]))


def details(panel: Panel, with_file: bool, with_split: bool, mode: str) -> str:
    """Return what the line below a panel's title says, on lines that need no wrapping.

    Args:
        panel: the panel.
        with_file: name the file, unless that is the title.
        with_split: name the split.
        mode: how batch norm is treated, and what is rounded; empty to leave it out.
    """
    words = [_stem(panel)] if with_file and title(panel) != _stem(panel) else []
    words += [panel.split] if with_split else []
    words += [mode] if mode else []
    words += [] if panel.repeat is None else [f"repeat {panel.repeat}"]
    done = progress(panel)
    text = " ".join(filter(None, [", ".join(words), done]))
    return "\n".join(filter(None, [text, _at_centre(panel)]))


def progress(panel: Panel) -> str:
    """Return the progress of an incomplete surface in parentheses; empty for a complete one."""
    words = _progress(panel) if panel.whole.missing.any() else _estimated(panel)
    return f"({words})" if words else ""


def axis(panel: Panel, name: str) -> str:
    """Describe an axis, such as "x: random direction, filter-normalized (seed 1)"."""
    text = axis_name(panel.surface, name)
    return text.replace("x: t along", "x: length along", 1) if panel.by_length else text


def quantity(panels: Sequence[Panel]) -> str:
    """Name the panels' values, such as "test accuracy (%)"; omit the split unless it is shared."""
    first = panels[0]
    words = [first.split] if all(p.split == first.split for p in panels) else []
    words.append(naming(first.quantity).label)
    if first.quantity in PERCENT:
        words.append("(%)")
    return " ".join(words)


def count(number: int) -> str:
    """Return a number of points in words."""
    return "1 point" if number == 1 else f"{number} points"


def number(value: float) -> str:
    """Format a number with four digits, and a power of ten in mathtext if it is extreme."""
    text = f"{value:.4g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    factor = {"1": "", "-1": "-"}.get(mantissa, rf"{mantissa}\times")
    return rf"${factor}10^{{{int(exponent)}}}$"


def power(exponent: float) -> str:
    """Return ten to an integer power in mathtext."""
    return rf"$10^{{{round(exponent)}}}$"


def _progress(panel: Panel) -> str:
    """Return the numbers of points drawn, if not all are, and the percentage computed."""
    computed = _computed(panel)
    if panel.shown is None:
        return computed
    names = panel.surface.grid.names
    drawn = " x ".join(str(len(panel.shown[name])) for name in names)
    total = " x ".join(str(panel.surface.grid.axes[name].points) for name in names)
    return f"{drawn} of {total} points, {computed}"


def _estimated(panel: Panel) -> str:
    """Say which points are interpolated, and how many samples the others took, if not all."""
    return "; ".join(filter(None, [_interpolated(panel), _samples(panel)]))


def _samples(panel: Panel) -> str:
    """Return the numbers of samples that points took, if these differ."""
    taken = panel.surface.samples.get(panel.split)
    return "" if taken is None else numbers_of(taken)


def _interpolated(panel: Panel) -> str:
    """Return the percentage computed and the error bound of interpolated points, if any."""
    facts = fact(panel.surface.provenance, "adaptive") or {}
    error = error_of(facts, panel.split, panel.quantity)
    if error is None or not panel.surface.interpolated:
        return ""
    return f"{_computed(panel)}, rest within {error}"


def _computed(panel: Panel) -> str:
    """Return the percentage of points computed, rounded down."""
    status = panel.surface.status
    percent = math.floor(100 * float(np.isin(status, (Status.OK, Status.NOT_FINITE)).mean()))
    return f"{percent or 'less than 1'} % computed"


def _at_centre(panel: Panel) -> str:
    """State a quantity's value at the trained network, if it was asked for and is computed."""
    if panel.at_centre is None:
        return ""
    other = replace(panel, quantity=panel.at_centre)
    value = other.centre
    if value is None:
        return ""
    text = share(value / 100) if panel.at_centre in PERCENT and value else number(value)
    return f"{panel.split} {naming(panel.at_centre).label} at the centre: {text}"


def _stem(panel: Panel) -> str:
    path = PurePath(panel.source)
    return shorten(str(path.with_suffix("")) if path.suffix in EXTENSIONS else panel.source)


class MathText(str):
    """A text of the user in which ``$...$`` is mathematics."""


def mathtext(text: str) -> str:
    """Mark a text as mathematics, unless matplotlib can't draw it, line by line."""
    try:
        for line in text.split("\n"):
            MathTextParser("path").parse(line)
    except ValueError:
        return text
    return MathText(text)


def plain(text: str) -> str:
    """Return a text as matplotlib must get it to draw it as it is.

    Dollar signs are escaped, as names with them are no mathematics, and so are control characters.
    Lines are kept.
    """
    if isinstance(text, MathText):
        return str(text)
    return "\n".join(one_line(line).replace("$", r"\$") for line in text.split("\n"))


def legend_text(text: str) -> str:
    """Return a plain text for a legend, which would omit one that begins with "_"."""
    text = plain(text)
    return f" {text}" if text.startswith("_") else text


def listed(words: Sequence[str]) -> str:
    """Join words by commas and a final "and"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def shorten(text: str, longest: int = MAX_LENGTH) -> str:
    """Cut the middle of a text that exceeds ``longest`` characters."""
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"
