"""The path of a training run through a plane, and checkpoints marked on a slice."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.dynamics.path_lengths import PathLengths, numbers, plain
from landscape_cli.records.tiles import Quantity

OTHERS = "other_trajectories"
"""Key of a surface's provenance for further paths in its plane."""

Values = Mapping[Quantity, NDArray[np.float64]]


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
        values: the checkpoints' own values by quantity, each of shape (n,): means over a split,
            with infinities and NaN as they came. Empty if none were computed.
        stderr: their standard errors, NaN where unknown.
        lengths: distances and angles in the full parameter space; None in files of earlier
            versions.
        descent: cosine of the angle between step i and the negative gradient at checkpoint i, in
            the full space, of shape (n - 1,); NaN where a step is zero. None if not computed.
        parameters: number of parameters P, of the space that ``descent`` refers to.
    """

    coordinates: NDArray[np.float64]
    residuals: NDArray[np.float64]
    labels: tuple[str, ...]
    epochs: tuple[int, ...] | None = None
    learning_rates: tuple[float, ...] | None = None
    explained: tuple[float, float] | None = None
    name: str = ""
    values: Values = field(default_factory=dict)
    stderr: Values = field(default_factory=dict)
    lengths: PathLengths | None = None
    descent: NDArray[np.float64] | None = None
    parameters: int | None = None

    def __post_init__(self) -> None:
        count = len(self.coordinates)
        if self.coordinates.shape != (count, 2) or not np.isfinite(self.coordinates).all():
            raise StoreError("trajectory: coordinates are not pairs of finite numbers")
        for name in ("residuals", "labels", "epochs", "learning_rates"):
            values = getattr(self, name)
            if values is not None and len(values) != count:
                raise StoreError(f"trajectory: {len(values)} {name} for {count} checkpoints")
        for key, array in (*self.values.items(), *self.stderr.items()):
            if array.shape != (count,):
                raise StoreError(
                    f"trajectory: {len(array)} values of {' '.join(key)} for {count} checkpoints"
                )
        if self.lengths is not None and len(self.lengths.from_start) != count:
            raise StoreError(f"trajectory: lengths for other than {count} checkpoints")
        if self.descent is not None and len(self.descent) != max(0, count - 1):
            raise StoreError(f"trajectory: {len(self.descent)} cosines for {count} checkpoints")

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
            lengths, descent = values.get("lengths"), values.get("descent")
            parameters = values.get("parameters")
            return cls(
                coordinates=coordinates,
                residuals=np.array(residuals),
                labels=tuple(str(label) for label in labels),
                epochs=None if epochs is None else tuple(int(epoch) for epoch in epochs),
                learning_rates=None if rates is None else _numbers(rates),
                explained=_pair(values.get("explained")),
                name=str(values.get("name") or ""),
                values=_by_quantity(values.get("values")),
                stderr=_by_quantity(values.get("stderr")),
                lengths=None if lengths is None else PathLengths.from_mapping(lengths),
                descent=None if descent is None else numbers(descent),
                parameters=None if parameters is None else int(parameters),
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
            **self._computed(),
        }

    def _computed(self) -> dict[str, Any]:
        """Return what only files that have it state."""
        known = {
            "values": _nested(self.values, _texts),
            "stderr": _nested(self.stderr, plain),
            "lengths": None if self.lengths is None else self.lengths.as_mapping(),
            "descent": None if self.descent is None else plain(self.descent),
            "parameters": self.parameters,
        }
        return {key: value for key, value in known.items() if value}


def _nested(values: Values, convert: Callable[[NDArray[np.float64]], Any]) -> dict[str, Any]:
    """Return plain lists by split and quantity."""
    found: dict[str, dict[str, Any]] = {}
    for (split, quantity), array in values.items():
        found.setdefault(split, {})[quantity] = convert(array)
    return found


def _by_quantity(values: Any) -> dict[Quantity, NDArray[np.float64]]:
    return {
        (str(split), str(quantity)): numbers(array)
        for split, section in (values or {}).items()
        for quantity, array in section.items()
    }


def _texts(values: NDArray[np.float64]) -> list[float | str]:
    """Return a list for JSON, with texts for infinities and NaN."""
    return [float(value) if np.isfinite(value) else str(float(value)) for value in values]


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
