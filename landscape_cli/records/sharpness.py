"""The record of a network's sharpness: measures at radii, with provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Key = tuple[str, float]
"""A measure's name and a radius."""


@dataclass(frozen=True)
class SharpnessEntry:
    """A measure at one radius.

    Args:
        measure: its name.
        title: what a table calls it.
        definition: the formula as text.
        source: paper and equation.
        symbol: what the paper calls the radius.
        radius: the radius.
        value: the value; not finite where the loss was not.
        stderr: standard error of a mean over random offsets, else None.
        length: Euclidean length of the offset that was found, where there is one, else None.
        note: a remark on how the value came about, or "".
        passes: losses and gradients that it took.
        seconds: time that it took.
    """

    measure: str
    title: str
    definition: str
    source: str
    symbol: str
    radius: float
    value: float
    stderr: float | None = None
    length: float | None = None
    note: str = ""
    passes: int = 0
    seconds: float = 0.0

    @property
    def key(self) -> Key:
        """Measure and radius, which set it apart from others."""
        return self.measure, self.radius


@dataclass(frozen=True)
class Sharpness:
    """The sharpness of a network.

    Args:
        parameters: number of parameters, by real entries.
        loss: at the network.
        gradient_norm: Euclidean norm of the gradient there.
        weight_norm: Euclidean norm of the parameters.
        complete: all that was asked for last is there.
        entries: measures at radii.
        config: the configuration.
        provenance: network, data, weights, request and sessions.
    """

    parameters: int
    loss: float
    gradient_norm: float
    weight_norm: float
    complete: bool = False
    entries: tuple[SharpnessEntry, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def entry(self, key: Key) -> SharpnessEntry | None:
        """Return a measure at a radius, None if it is not there."""
        return next((one for one in self.entries if one.key == key), None)

    def with_entry(self, entry: SharpnessEntry) -> Sharpness:
        """Return the record with one more entry."""
        return replace(self, entries=(*self.entries, entry))
