"""Lengths and angles of a training's path in the full parameter space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PathLengths:
    """Euclidean distances between n checkpoints theta_i of one training, and angles of its steps.

    Args:
        from_start: |theta_i - theta_0|, of shape (n,).
        to_end: |theta_i - theta_(n-1)|, of shape (n,).
        steps: |theta_(i+1) - theta_i|, of shape (n - 1,).
        cosines: of the angles between steps i and i + 1, of shape (n - 2,); NaN where a step is
            zero.
    """

    from_start: Floats
    to_end: Floats
    steps: Floats
    cosines: Floats

    def __post_init__(self) -> None:
        count = len(self.from_start)
        expected = (count, count, max(0, count - 1), max(0, count - 2))
        found = tuple(len(getattr(self, field.name)) for field in fields(self))
        if found != expected:
            raise StoreError(f"trajectory: lengths of {found} numbers, expected {expected}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> PathLengths:
        """Read the output of ``as_mapping``."""
        return cls(**{field.name: numbers(values[field.name]) for field in fields(cls)})

    def as_mapping(self) -> dict[str, list[float | None]]:
        """Return plain lists for JSON, with None for undefined cosines."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}

    @property
    def total(self) -> float:
        """The length of the path, the sum of its steps."""
        return float(self.steps.sum())

    @property
    def angles(self) -> Floats:
        """Turning angles between successive steps in degrees, of shape (n - 2,)."""
        degrees: Floats = np.degrees(np.arccos(np.clip(self.cosines, -1.0, 1.0)))
        return degrees


def plain(values: Floats) -> list[float | None]:
    """Return a list for JSON, with None for NaN."""
    return [None if np.isnan(value) else float(value) for value in values]


def numbers(values: Any) -> Floats:
    """Return an array of plain values, with NaN for None; texts such as ``inf`` are numbers too."""
    return np.array([np.nan if value is None else float(value) for value in values])
