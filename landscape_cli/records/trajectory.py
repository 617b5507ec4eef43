"""The path of a training run through a plane, and checkpoints marked on a slice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError

OTHERS = "other_trajectories"
"""Key of a surface's provenance in memory, for further paths to draw over it."""


@dataclass(frozen=True)
class Trajectory:
    """The places of n checkpoints of one training run in a plane.

    Args:
        coordinates: float64 of shape (n, 2), in units of the plane's directions.
        residuals: Euclidean distances from the plane, of shape (n,); NaN where unknown.
        labels: a name for each checkpoint.
        epochs: the number of epochs before each was saved, or None if unknown.
        learning_rates: the learning rate that led to each, NaN where unknown, or None.
        explained: fractions of the variance along x and y; None unless these are principal
            components.
        name: what to call it beside others; empty for the only path of a surface.
    """

    coordinates: NDArray[np.float64]
    residuals: NDArray[np.float64]
    labels: tuple[str, ...]
    epochs: tuple[int, ...] | None = None
    learning_rates: tuple[float, ...] | None = None
    explained: tuple[float, float] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        count = len(self.coordinates)
        if self.coordinates.shape != (count, 2) or not np.isfinite(self.coordinates).all():
            raise StoreError("trajectory: coordinates are not pairs of finite numbers")
        for name in ("residuals", "labels", "epochs", "learning_rates"):
            values = getattr(self, name)
            if values is not None and len(values) != count:
                raise StoreError(f"trajectory: {len(values)} {name} for {count} checkpoints")

    @classmethod
    def from_mapping(cls, values: Any) -> Trajectory:
        """Read the output of ``as_mapping``.

        Raises:
            StoreError: if the values are malformed.
        """
        try:
            coordinates = np.array(values["coordinates"], dtype=np.float64).reshape(-1, 2)
            count = len(coordinates)
            residuals = _numbers(values.get("residuals") or [math.nan] * count)
            labels = values.get("labels") or [str(number + 1) for number in range(count)]
            epochs, rates = values.get("epochs"), values.get("learning_rates")
            return cls(
                coordinates=coordinates,
                residuals=np.array(residuals),
                labels=tuple(str(label) for label in labels),
                epochs=None if epochs is None else tuple(int(epoch) for epoch in epochs),
                learning_rates=None if rates is None else _numbers(rates),
                explained=_pair(values.get("explained")),
                name=str(values.get("name") or ""),
            )
        except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            raise StoreError(f"trajectory: not as this program writes it ({error})") from None

    def as_mapping(self) -> dict[str, Any]:
        """Return the path as plain lists for JSON, with None for unknown entries."""
        rates = self.learning_rates
        return {
            "coordinates": self.coordinates.tolist(),
            "residuals": _without_nan(self.residuals.tolist()),
            "labels": list(self.labels),
            "epochs": None if self.epochs is None else list(self.epochs),
            "learning_rates": None if rates is None else _without_nan(rates),
            "explained": None if self.explained is None else list(self.explained),
            **({"name": self.name} if self.name else {}),
        }


def _numbers(values: Sequence[Any]) -> tuple[float, ...]:
    return tuple(math.nan if value is None else float(value) for value in values)


def _without_nan(values: Sequence[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]


def _pair(values: Sequence[Any] | None) -> tuple[float, float] | None:
    if values is None:
        return None
    first, second = values
    return float(first), float(second)


def trajectory_of(provenance: Mapping[str, Any]) -> Trajectory | None:
    """Return the path stored in a surface's provenance, or None.

    Raises:
        StoreError: if it is damaged.
    """
    values = provenance.get("trajectory")
    return None if values is None else Trajectory.from_mapping(values)


def trajectories_of(provenance: Mapping[str, Any]) -> list[Trajectory]:
    """Return the path stored in a surface's provenance, and those laid over it.

    Raises:
        StoreError: if one is damaged.
    """
    others = provenance.get(OTHERS) or []
    if not isinstance(others, list):
        raise StoreError(f"{OTHERS}: not as this program writes them")
    first = trajectory_of(provenance)
    return [*filter(None, [first]), *map(Trajectory.from_mapping, others)]


@dataclass(frozen=True)
class Marker:
    """A checkpoint marked on a line or plane.

    Args:
        label: its name.
        coordinates: its projection onto the slice, one coordinate for each axis.
        residual: Euclidean distance from the slice.
        distance: Euclidean distance from the centre.
    """

    label: str
    coordinates: tuple[float, ...]
    residual: float = 0.0
    distance: float = 0.0

    @property
    def off(self) -> bool:
        """True if the checkpoint is known to lie off the slice by more than rounding."""
        return self.distance > 0 and self.residual > 1e-3 * self.distance


def markers_of(provenance: Mapping[str, Any]) -> list[Marker]:
    """Return the checkpoints whose places are stored in a surface's provenance.

    Raises:
        StoreError: if they are damaged.
    """
    try:
        markers = [
            Marker(
                str(entry["label"]),
                tuple(float(value) for value in entry["coordinates"]),
                float(entry.get("residual") or 0.0),
                float(entry.get("distance") or 0.0),
            )
            for entry in provenance.get("checkpoints") or ()
        ]
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise StoreError(f"checkpoints: not as this program writes them ({error})") from None
    for marker in markers:
        if not marker.coordinates or not all(map(math.isfinite, marker.coordinates)):
            raise StoreError(
                f"checkpoints: {marker.label} has coordinates {marker.coordinates}, expected "
                "finite numbers"
            )
    return markers
