"""Choose the scale of a figure from its panels and the user's options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Levels, Scale, common_extend
from landscape_cli.plotting.text import labels
from landscape_cli.records.presentation import is_wide, naming

MAX_LEVELS = 500
"""Maximum number of contour levels."""

MAX_MAGNITUDE = 1e280
"""Largest absolute value drawn; beyond it, differences and powers of ten overflow."""

CENTRE = "centre"
"""Word for the value at the trained network."""

SAME = 1e-4
"""Largest difference of the values at the centres of several panels from which colours diverge,
as a fraction of the range."""

BAND = 1.96
"""Half-width of a 95 % confidence band in standard errors."""


def fit(
    panels: Sequence[Panel],
    *,
    log: bool | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    levels: Levels = None,
    around: float | str | None = None,
) -> Scale:
    """Choose the scale shared by all panels.

    Without ``vmin`` and ``vmax`` nothing is clipped. If ``log`` is None, the scale is logarithmic
    if neither limit is given, and the panels are planes whose values are positive and span more
    than three decades and no value to diverge from is given.

    Args:
        panels: at least one.
        log: whether the scale is logarithmic.
        vmin: the lowest value shown.
        vmax: the highest value shown.
        levels: number of contour levels, or their ascending values.
        around: the value from which colours diverge; ``centre`` for that at the trained network.

    Raises:
        UsageError: if a panel has no finite value, or an option does not suit the values.
    """
    _check_options(vmin, vmax, levels)
    for panel in panels:
        _check_values(panel)
    if log is None:
        log = around is None and _needs_log(panels, vmin, vmax)
    if log:
        _check_positive(panels, vmin, vmax)
    low, high = _limits(panels, log, vmin, vmax)
    look = naming(panels[0].quantity)
    diverging = look.signed and not log and low < 0 < high
    trimmed = vmin is None and log and any(bool((~_above_error(panel)).any()) for panel in panels)
    middle = None if around is None else _middle(panels, around, log)
    scale = Scale(low, high, log, levels, "neither", diverging, middle, trimmed)
    _check_within(scale)
    return replace(scale, extend=common_extend(panels, scale))


def notes(panels: Sequence[Panel], scale: Scale, clipped: str) -> list[str]:
    """Return a sentence for each set of values that a scale clips or cannot show.

    Args:
        panels: the panels drawn.
        scale: the scale they are drawn on.
        clipped: the painter's phrase for what happens to clipped values.
    """
    sentences = []
    for panel in panels:
        values = f"the {panel.split} {panel.quantity} values in {panel.source}"
        below, above = scale.clipped(panel)
        if below:
            limit = f"--vmin {scale.low:g}"
            if scale.above_errors:
                limit = f"{scale.low:g}, the lowest that exceeds its numerical error,"
            sentences.append(f"{labels.share(below)} of {values} lie below {limit} {clipped}")
        if above:
            sentences.append(
                f"{labels.share(above)} of {values} lie above --vmax {scale.high:g} {clipped}"
            )
        if hidden := np.count_nonzero(scale.hidden(panel.whole)):
            sentences.append(
                f"{hidden} of {values} are not positive and cannot be shown on a log scale"
            )
    return sentences


def _middle(panels: Sequence[Panel], around: float | str, log: bool) -> float:
    """Return the value from which colours diverge.

    Raises:
        UsageError: if there is none for all panels, or the scale is logarithmic.
    """
    text = f"--around {around if isinstance(around, str) else format(around, 'g')}"
    if log:
        raise UsageError(f"{text}: colours diverge on a linear scale; leave --log out")
    if panels[0].dimension == 1:
        raise UsageError(f"{text}: does not apply to lines, which have no colours")
    if not isinstance(around, str) and math.isfinite(around):
        return around
    if around != CENTRE:
        raise UsageError(f"{text}: give a number, or {CENTRE}")
    values = {panel.source: panel.centre for panel in panels}
    for source, value in values.items():
        if value is None or not math.isfinite(value):
            raise UsageError(
                f"--around {CENTRE}: {source} has no value at the centre; give one, or compute an "
                "odd number of points"
            )
    known = [value for value in values.values() if value is not None]
    if max(known) - min(known) > SAME * max(np.ptp(panel.z[panel.finite]) for panel in panels):
        texts = [f"{value:.4g} in {source}" for source, value in values.items()]
        raise UsageError(
            f"--around {CENTRE}: the centres differ, {labels.listed(texts)}; give one value, such "
            f"as {known[0]:.3g}, or draw them apart"
        )
    return known[0]


def _check_options(vmin: float | None, vmax: float | None, levels: Levels) -> None:
    for option, value in (("--vmin", vmin), ("--vmax", vmax)):
        if value is not None and not math.isfinite(value):
            raise UsageError(f"{option} {value}: must be a finite number")
    if vmin is not None and vmax is not None and vmin >= vmax:
        raise UsageError(f"--vmin {vmin:g} must be below --vmax {vmax:g}")
    if isinstance(levels, tuple):
        _check_values_of_levels(levels)
    elif levels is not None and not 1 <= levels <= MAX_LEVELS:
        raise UsageError(f"--levels {levels}: choose between 1 and {MAX_LEVELS}")


def _check_values_of_levels(levels: tuple[float, ...]) -> None:
    text = f"--levels {','.join(f'{level:g}' for level in levels)}"
    if not 1 <= len(levels) <= MAX_LEVELS:
        raise UsageError(f"{text}: give between 1 and {MAX_LEVELS} values")
    if not all(math.isfinite(level) for level in levels):
        raise UsageError(f"{text}: must be finite numbers")
    if any(low >= high for low, high in pairwise(levels)):
        raise UsageError(f"{text}: must be in ascending order, and all different")


def _check_within(scale: Scale) -> None:
    """Refuse levels that a scale cannot show, or of which it shows none."""
    if not isinstance(scale.levels, tuple):
        return
    text = f"--levels {','.join(f'{level:g}' for level in scale.levels)}"
    if scale.log and scale.levels[0] <= 0:
        raise UsageError(f"{text}: must be positive on a log scale; change them or use --linear")
    if not len(scale.lines()):
        raise UsageError(
            f"{text}: none lies between the limits, {scale.low:.4g} and {scale.high:.4g}"
        )


def _check_values(panel: Panel) -> None:
    if panel.missing.all():
        raise UsageError(f"{panel.source}: no point is computed yet; run landscape compute first")
    if not panel.finite.any():
        raise UsageError(
            f"{panel.source}: none of the {labels.count(int(panel.not_finite.sum()))} computed has "
            f"a finite {labels.quantity([panel])}; there is nothing to draw"
        )


def _check_positive(panels: Sequence[Panel], vmin: float | None, vmax: float | None) -> None:
    for option, value in (("--vmin", vmin), ("--vmax", vmax)):
        if value is not None and value <= 0:
            raise UsageError(
                f"{option} {value:g} must be positive on a log scale; change it or use --linear"
            )
    for panel in panels:
        if not (panel.finite & (panel.z > 0)).any():
            raise UsageError(
                f"--log: no {labels.quantity([panel])} in {panel.source} is positive; use --linear"
            )


def _needs_log(panels: Sequence[Panel], vmin: float | None, vmax: float | None) -> bool:
    values = np.concatenate([panel.z[panel.finite] for panel in panels])
    if not all(panel.dimension == 2 for panel in panels):
        return False
    if naming(panels[0].quantity).log:
        return all(limit is None or limit > 0 for limit in (vmin, vmax)) and bool(values.max() > 0)
    return vmin is None and vmax is None and is_wide(values)


def _above_error(panel: Panel) -> NDArray[np.bool_]:
    """Return a mask of the values that determine the limits of a logarithmic scale.

    Where a number close to zero is known with an error that exceeds it, its logarithm is noise.
    """
    if not naming(panel.quantity).log:
        return np.ones_like(panel.finite)
    reliable = panel.finite & (panel.z > np.nan_to_num(panel.stderr))
    return reliable if reliable.any() else np.ones_like(panel.finite)


def _limits(
    panels: Sequence[Panel], log: bool, vmin: float | None, vmax: float | None
) -> tuple[float, float]:
    values = np.concatenate([_values_in_view(panel, log) for panel in panels])
    low, high = float(values.min()), float(values.max())
    if vmin is not None and vmax is None and vmin >= high:
        raise UsageError(f"--vmin {vmin:g}: no value is larger than {high:g}; lower it")
    if vmax is not None and vmin is None and vmax <= low:
        raise UsageError(f"--vmax {vmax:g}: no value is smaller than {low:g}; raise it")
    for option, end, limit in (("--vmin", low, vmin), ("--vmax", high, vmax)):
        if limit is None and abs(end) > MAX_MAGNITUDE:
            raise UsageError(f"{option}: values reach {end:g}, too large to draw; set a limit")
    if low == high:
        low, high = (low / 1.1, high * 1.1) if log else (low - _margin(low), high + _margin(high))
    elif panels[0].dimension == 1:
        low, high = _widen(low if vmin is None else vmin, high if vmax is None else vmax, log)
    return low if vmin is None else vmin, high if vmax is None else vmax


def _widen(low: float, high: float, log: bool) -> tuple[float, float]:
    """Add a margin of 5 % of the range above and below a line, on its scale."""
    if log:
        factor = (high / low) ** 0.05
        return low / factor, high * factor
    margin = 0.05 * (high - low)
    return low - margin, high + margin


def _values_in_view(panel: Panel, log: bool) -> NDArray[np.float64]:
    """Return the finite values that the limits must include.

    A line's include those of its repeats and, on a linear scale, the ends of its band; values on a
    log scale are positive.
    """
    values = panel.z
    if log:
        values = values[_above_error(panel)]
        values = np.concatenate([values, *(member.z for member in panel.members)])
        return values[np.isfinite(values) & (values > 0)]
    if panel.dimension == 1:
        half = band(panel)
        width = np.where(np.isfinite(half), half, 0.0)
        members = [member.z for member in panel.members]
        values = np.concatenate([values - width, values + width, *members])
    return values[np.isfinite(values)]


def band(panel: Panel) -> NDArray[np.float64]:
    """Return the half-width of a line's band, of shape (nx,); NaN where it has none.

    It is one standard deviation for a mean over repeats, the numerical error of a measure, else
    ``BAND`` standard errors.
    """
    if panel.members:
        return panel.spread
    return panel.stderr if naming(panel.quantity).measured else BAND * panel.stderr


def _margin(value: float) -> float:
    return 0.05 * abs(value) or 0.5
