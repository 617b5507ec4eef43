"""A curve between two networks, and the training that found it; without its points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.curves import CURVES
from landscape_cli.records.curves.facts import CurveFacts

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A curve phi(t) = sum_k c_k(t) w_k whose bends were trained (Garipov et al. 2018).

    Args:
        shape: the name of its shape, such as ``bezier``.
        points: K, the number of points w_k with both ends.
        ends: a name for each end.
        losses: the mean loss of each training step's batch at its place, of shape (steps,); NaN for
            those to come.
        places: t of each step, of the same shape.
        done: number of steps that were done.
        complete: whether no step is left to do.
        best: the lowest mean loss of an epoch so far; None before the end of the first one.
        config: the configuration, as in a surface file.
        provenance: network, split, files of the ends, settings of the training.
    """

    shape: str
    points: int
    ends: tuple[str, str]
    losses: Floats
    places: Floats
    done: int
    complete: bool = False
    best: float | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.shape not in CURVES:
            raise StoreError(f"curve: no shape {self.shape!r}; there are {', '.join(CURVES)}")
        if self.points < 2:
            raise StoreError(f"curve: {self.points} points, expected both ends at least")
        if len(self.ends) != 2:
            raise StoreError(f"curve: {len(self.ends)} names of ends, expected 2")
        if self.losses.ndim != 1 or self.losses.shape != self.places.shape:
            raise StoreError("curve: losses and places are not a number for each step")
        if not 0 <= self.done <= len(self.losses):
            raise StoreError(f"curve: {self.done} of {len(self.losses)} steps are done")

    @property
    def facts(self) -> CurveFacts | None:
        """Its shape and the inner products of its points; None before they are known."""
        return CurveFacts.of_surface(self.provenance, ("x",))

    @property
    def bends(self) -> int:
        """Number of points between the ends."""
        return self.points - 2
