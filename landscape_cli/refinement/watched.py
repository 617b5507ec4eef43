"""The quantities that decide where a grid is refined, on the scale on which they are judged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.records.presentation import is_wide
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity

ScaleName = Literal["auto", "linear", "log"]

USUAL = "loss"


@dataclass(frozen=True)
class Field:
    """One quantity over the grid.

    Args:
        quantity: its split and name.
        watched: whether its errors decide what is computed.
        log: whether ``values`` are natural logarithms.
        values: over the whole grid, NaN where nothing was computed.
        range: largest less smallest finite value of the levels that are computed wholly.
    """

    quantity: Quantity
    watched: bool
    log: bool
    values: NDArray[np.float64]
    range: float

    def errors(
        self, predicted: NDArray[np.float64], computed: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """By how much predictions err, as a part of the range; infinite where not finite."""
        with np.errstate(invalid="ignore"):
            differences = np.abs(predicted - computed)
        differences[~np.isfinite(differences)] = np.inf
        if self.range > 0:
            return differences / self.range
        return np.where(differences == 0, 0.0, np.inf)

    def unscaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values as they are stored."""
        return np.exp(values) if self.log else values


def fields_of(
    surface: Surface,
    base: NDArray[np.bool_],
    scale: ScaleName,
    wanted: Sequence[str] | None,
) -> list[Field]:
    """All quantities of a surface.

    Args:
        surface: with the base computed.
        base: the points of the levels that are computed wholly.
        scale: ``log``, ``linear``, or ``auto``: log for quantities that are positive and span more
            than three decades.
        wanted: the names of the quantities that are watched; ``loss`` if there is such a one and
            else all, if None.

    Raises:
        UsageError: if the surface lacks a wanted quantity.
    """
    names = sorted({name for _, name in surface.values})
    for name in wanted or ():
        if name not in names:
            raise UsageError(
                f"adaptive.quantities: the objective gives no {name!r}; it gives {', '.join(names)}"
            )
    watched = set(wanted or ([USUAL] if USUAL in names else names))
    return [_field(surface, key, key[1] in watched, base, scale) for key in sorted(surface.values)]


def worst(errors: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The largest of several fields' errors at each point."""
    largest: NDArray[np.float64] = np.stack(list(errors)).max(axis=0)
    return largest


def _field(
    surface: Surface, key: Quantity, watched: bool, base: NDArray[np.bool_], scale: ScaleName
) -> Field:
    values = surface.values[key]
    known = values[base & np.isfinite(values)]
    log = scale == "log" or (scale == "auto" and len(known) > 0 and is_wide(known))
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(values)
        known = values[base & np.isfinite(values)]
    extent = float(known.max() - known.min()) if len(known) else 0.0
    return Field(key, watched, log, values, extent)
