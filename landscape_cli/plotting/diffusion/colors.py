"""Colours of checkpoints: by progress, loss, learning rate or training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.records.dynamics.diffusion import Diffusion

Floats = NDArray[np.float64]

QUANTITIES = {
    "epoch": "epochs",
    "step": "steps",
    "loss": "losses",
    "learning_rate": "learning_rates",
}
"""The record's array of each quantity."""

NUMBER, TRAINING = "number", "training"
"""Quantities that every record has: the place in the training, and the training itself."""

PROGRESS = ("epoch", "step", NUMBER)
"""Quantities that a random walk has too, the default first."""

DECADE = 10.0
"""Ratio of the largest to the smallest value from which losses and rates have log colours."""


@dataclass(frozen=True)
class Coloring:
    """The quantity that colours show.

    Args:
        quantity: its name.
        values: of the checkpoints, NaN where unknown, of shape (n,); None for trainings, which
            have a colour each.
        onto: of further checkpoints, of shape (m,); None if unknown.
        low: the value at the lower end of the colours.
        high: the value at their upper end.
        log: whether the scale is logarithmic.
    """

    quantity: str
    values: Floats | None = None
    onto: Floats | None = None
    low: float = 0.0
    high: float = 1.0
    log: bool = False

    @property
    def progress(self) -> bool:
        """True if a random walk with the same number of steps has the same values."""
        return self.quantity in PROGRESS

    @property
    def norm(self) -> Normalize:
        """The map from values to positions on the colour map."""
        return LogNorm(self.low, self.high) if self.log else Normalize(self.low, self.high)

    @property
    def label(self) -> str:
        """The colour bar's label."""
        words = "checkpoint" if self.quantity == NUMBER else self.quantity.replace("_", " ")
        return f"{words} (log scale)" if self.log else words

    @property
    def clipped(self) -> tuple[int, int]:
        """Numbers of known values below and above the limits."""
        known = self._known()
        return int((known < self.low).sum()), int((known > self.high).sum())

    @property
    def extend(self) -> str:
        """The ends of the colour bar at which values lie beyond it."""
        below, above = self.clipped
        return ("both" if above else "min") if below else ("max" if above else "neither")

    def _known(self) -> Floats:
        arrays = [array for array in (self.values, self.onto) if array is not None]
        every: Floats = np.concatenate([np.zeros(0), *arrays])
        return every[np.isfinite(every)]


def coloring(
    record: Diffusion,
    source: str,
    quantity: str | None = None,
    log: bool | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Coloring:
    """Choose colours.

    Args:
        record: the map.
        source: its file, for messages.
        quantity: one of ``offered``; None for the epoch, or else the step, or else the number.
        log: whether the scale is logarithmic; None to decide by the values.
        low: the value at the lower end; None for the smallest one.
        high: the value at the upper end; None for the largest one.

    Raises:
        UsageError: if the record lacks the quantity, or the scale can't show it.
    """
    quantity = quantity or offered(record)[0]
    if quantity not in offered(record):
        names = ", ".join(offered(record))
        raise UsageError(f"--quantity {quantity!r}: {source} has {names}; choose one of these")
    if quantity == TRAINING:
        return Coloring(TRAINING)
    values, onto = values_of(record, quantity)
    plain = Coloring(quantity, values, onto)
    known = plain._known()
    if log and not (known > 0).any():
        raise UsageError(f"--log: no {plain.label} in {source} is positive; use --linear")
    wide = bool(len(known)) and known.min() > 0 and known.max() > DECADE * known.min()
    log = (wide and not plain.progress) if log is None else log
    known = known[known > 0] if log else known
    ends = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    bottom, top = ends[0] if low is None else low, ends[1] if high is None else high
    if low is None and high is None and bottom == top:
        bottom, top = (bottom / 1.1, top * 1.1) if log else (bottom - 0.5, top + 0.5)
    if not bottom < top or (log and bottom <= 0):
        raise UsageError(
            f"--vmin, --vmax: {bottom:g} to {top:g} is no range of a "
            f"{'logarithmic' if log else 'linear'} scale of the {plain.label}"
        )
    return Coloring(quantity, values, onto, bottom, top, log)


def offered(record: Diffusion) -> list[str]:
    """Return the quantities that a record has, the default first."""
    known = [name for name in QUANTITIES if has(record, name)]
    progress = [name for name in known if name in PROGRESS]
    others = [name for name in known if name not in PROGRESS]
    return [*progress, NUMBER, *others, TRAINING]


def has(record: Diffusion, quantity: str) -> bool:
    """Return whether any checkpoint's value is known."""
    array = getattr(record, QUANTITIES[quantity])
    return array is not None and bool(np.isfinite(array).any())


def values_of(record: Diffusion, quantity: str) -> tuple[Floats, Floats | None]:
    """Return a quantity of the checkpoints, (n,), and of further ones, (m,) or None."""
    if quantity == NUMBER:
        return numbers(record.training), None
    name = QUANTITIES[quantity]
    own: Floats = getattr(record, name)
    return own, getattr(record.onto, name, None)


def numbers(training: NDArray[np.int64]) -> Floats:
    """Return each checkpoint's place in its training, from 1, of shape (n,)."""
    places = np.zeros(len(training))
    for number in np.unique(training):
        own = training == number
        places[own] = np.arange(1, own.sum() + 1)
    return places
