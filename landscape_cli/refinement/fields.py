"""Fields of adaptive refinement: each quantity on the scale on which its errors are judged."""

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

DEFAULT_QUANTITY = "loss"


@dataclass(frozen=True)
class Field:
    """One quantity over the grid.

    Args:
        quantity: its split and name.
        watched: whether its errors decide what is computed.
        log: whether ``values`` are natural logarithms.
        values: over the whole grid, NaN where nothing was computed.
        range: largest minus smallest finite value of the points in use.
    """

    quantity: Quantity
    watched: bool
    log: bool
    values: NDArray[np.float64]
    range: float

    def errors(
        self, predicted: NDArray[np.float64], computed: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the errors of predictions as fractions of the range; infinite if not finite."""
        with np.errstate(invalid="ignore"):
            differences = np.abs(predicted - computed)
        differences[~np.isfinite(differences)] = np.inf
        if self.range > 0:
            return differences / self.range
        return np.where(differences == 0, 0.0, np.inf)

    def unscaled(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert values back to the scale on which they are stored."""
        return np.exp(values) if self.log else values


def fields_of(
    surface: Surface,
    used: NDArray[np.bool_],
    scale: ScaleName,
    wanted: Sequence[str] | None,
) -> list[Field]:
    """Return a field for every quantity of a surface.

    Args:
        surface: a surface on which these points are computed.
        used: mask of the points in use.
        scale: ``log``, ``linear``, or ``auto``: log for quantities that are positive and span more
            than three decades.
        wanted: names of the quantities to watch; if None, ``loss`` if there is one, else all.

    Raises:
        UsageError: if the surface lacks a quantity to watch.
    """
    names = sorted({name for _, name in surface.values})
    for name in wanted or ():
        if name not in names:
            raise UsageError(
                f"adaptive.quantities: the objective has no {name!r}; it has {', '.join(names)}"
            )
    watched = set(wanted or ([DEFAULT_QUANTITY] if DEFAULT_QUANTITY in names else names))
    return [
        field_of(key, values, used, scale, key[1] in watched)
        for key, values in sorted(surface.values.items())
    ]


def worst(errors: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the largest of several fields' errors at each point."""
    largest: NDArray[np.float64] = np.stack(list(errors)).max(axis=0)
    return largest


def field_of(
    key: Quantity,
    values: NDArray[np.float64],
    used: NDArray[np.bool_],
    scale: ScaleName = "linear",
    watched: bool = False,
) -> Field:
    """Return the field of one quantity, whose ``values`` are over the whole grid."""
    known = values[used & np.isfinite(values)]
    log = scale == "log" or (scale == "auto" and len(known) > 0 and is_wide(known))
    if log:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log(values)
        known = values[used & np.isfinite(values)]
    extent = float(known.max() - known.min()) if len(known) else 0.0
    return Field(key, watched, log, values, extent)
