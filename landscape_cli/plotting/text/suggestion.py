"""Suggest another scale where a picture would show next to nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.text import labels
from landscape_cli.records.presentation import PERCENT, naming

NARROW = 0.03
"""Part of a scale, at one of its ends, that is too narrow to show differences."""

CROWDED = {False: 0.6, True: 0.9}
"""Least share of the values in that part of which a picture is empty, linear or logarithmic.

Losses along lines that rise steeply at both ends have 60 to 70 % there, readable planes up to 45 %.
"""

SPREAD = 0.4
"""Largest such share that a suggested limit leaves."""

HIDDEN = 0.5
"""Least share of values that are not positive at which a logarithmic scale is no use."""

QUANTILES = (0.75, 0.6, 0.5, 0.4, 0.25)
"""Shares of the values to keep within a suggested limit, in order of preference."""

FEW = 9
"""Number of values below which a share of them says little."""

Floats = NDArray[np.float64]


def suggest(panels: Sequence[Panel], scale: Scale, log: bool | None) -> str:
    """Return a sentence that suggests a scale, or an empty text if the picture is readable.

    Args:
        panels: the panels, whose limits the user leaves to the values.
        scale: their scale.
        log: the user's choice of a logarithmic or linear scale; None for the values' own.
    """
    first = panels[0]
    if first.quantity in PERCENT or naming(first.quantity).signed:
        return ""
    values = np.concatenate([panel.z[panel.finite] for panel in panels])
    name = f"the {labels.quantity(panels)} values"
    hidden = float(np.mean(values <= 0))
    if scale.log and hidden >= HIDDEN:
        return f"{labels.share(hidden)} of {name} are not positive; --linear shows them"
    drawn = scale.heights(values)
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < FEW:
        return ""
    crowded = _crowded(drawn, scale.log)
    if crowded < CROWDED[scale.log]:
        return ""
    remedies = ["--log"] if log is None and not scale.log and values.min() > 0 else []
    option = "--vmin" if scale.log else "--vmax"
    if (limit := _limit(values[values > 0] if scale.log else values, scale.log)) is not None:
        remedies.append(f"{option} {limit:g}")
    if not remedies:
        return ""
    end = "highest" if scale.log else "lowest"
    part = f"the {end} {100 * NARROW:g} % of the {'logarithmic' if scale.log else 'linear'} scale"
    return f"{labels.share(crowded)} of {name} lie in {part}; try {' or '.join(remedies)}"


def _crowded(drawn: Floats, high: bool) -> float:
    """Return the share of values at the lower end of their range, or at the upper one."""
    low, top = drawn.min(), drawn.max()
    if low == top:
        return 0.0
    places = (top - drawn if high else drawn - low) / (top - low)
    return float(np.mean(places <= NARROW))


def _limit(values: Floats, log: bool) -> float | None:
    """Return a round limit within which the values are spread, None if there is none.

    On a linear scale it is an upper limit, on a logarithmic one a lower limit.
    """
    for share in QUANTILES:
        edge = float(np.quantile(values, 1 - share if log else share))
        if edge <= 0:
            continue
        limit = _round(edge, down=log)
        kept = np.log10(values[values >= limit]) if log else values[values <= limit]
        if len(kept) < len(values) and _crowded(kept, log) < SPREAD:
            return limit
    return None


def _round(value: float, down: bool) -> float:
    """Round a positive number to the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    steps = [float(f"{m * power:g}") for m in (1, 2, 5, 10)]
    return max(s for s in steps if s <= value) if down else min(s for s in steps if s >= value)
