"""An eigenvector of the Hessian, or of a matrix like it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from pydantic import field_validator

from landscape_cli.geometry.directions.base import DirectionFiles, DirectionSource, Entries, Range
from landscape_cli.geometry.directions.file import entries_from
from landscape_cli.geometry.directions.loaded import LoadedDirection


class EigenvectorDirection(LoadedDirection):
    """A unit eigenvector from a file of ``landscape curvature``.

    Coordinates are Euclidean distances. Along it, the loss is L + g.v x + lambda x^2 / 2 to second
    order, within a piece of a network that is piecewise linear.

    Attributes:
        path: the file, such as ``net.curvature.h5``.
        index: 1 for the largest eigenvalue, 2 for the next; -1 for the smallest. If left out, 1 for
            x, 2 for y and 3 for z.
    """

    kind: Literal["eigenvector"] = "eigenvector"
    path: str
    index: int | None = None

    @field_validator("index")
    @classmethod
    def _not_zero(cls, value: int | None) -> int | None:
        if value == 0:
            raise ValueError("expected 1 for the largest eigenvalue, or -1 for the smallest")
        return value

    def stored_in(self, axis: str) -> tuple[str, str] | None:
        """Return the file and the direction's name in it; None if normalized."""
        return (self.path, self._name(axis)) if self.normalize == "none" else None

    def range(self, axis: str, files: DirectionFiles) -> Range | None:
        """Return a range in which the loss changes visibly; None if normalized.

        At its ends, the quadratic term is the loss at the centre, or 0.1 if that is more.
        """
        if self.normalize != "none":
            return None
        ends = files.recommended_range(self.path, self._name(axis))
        return None if ends is None else (*ends, f"from the eigenvalue in {self.path}")

    def load(self, axis: str, source: DirectionSource) -> Entries:
        """Match the file's tensors with the network's.

        Raises:
            StoreError: if the file has no such eigenvector.
            UsageError: if it was made for another network.
        """
        return entries_from(self.path, self._name(axis), f"directions.{axis}", source)

    def label(self) -> str:
        """Return a label with the number and the file's name."""
        which = "" if self.index is None else f" {self.index}"
        return f"eigenvector{which} of {PurePath(self.path).name}{self._normalized()}"

    def _name(self, axis: str) -> str:
        number = self.index if self.index is not None else "xyz".index(axis) + 1
        return f"eigenvector{number}"
