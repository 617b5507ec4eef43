"""Repeats: several slices around one centre, as a single slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.geometry.blocks import Index
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.slices.base import Locations
from landscape_cli.geometry.slices.directional import DirectionalSlice
from landscape_cli.records.repeats import key_of

Value = TypeVar("Value")


class RepeatedSlice(DirectionalSlice):
    """Several slices, selected by the last coordinate of (x, y, repeat).

    Each direction has its own name: ``x`` and ``y`` in repeat 0, ``repeat1/x`` and so on in later
    repeats. Hashes and norms go by these names, cosines by pairs such as ``repeat1/x,y``.

    Args:
        slices: at least one, resident or streamed, around the same centre.
    """

    def __init__(self, slices: Sequence[DirectionalSlice]) -> None:
        self.slices = list(slices)
        self.centre = slices[0].centre
        self.recipes = self._named([slice_.recipes for slice_ in self.slices])

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the directions of all repeats."""
        return tuple(
            key_of(number, axis)
            for number, slice_ in enumerate(self.slices)
            for axis in slice_.axes
        )

    @property
    def origin(self) -> tuple[float, ...]:
        """Coordinates of the centre, in the first repeat."""
        return (*self.slices[0].origin, 0.0)

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the parameters at a point (x, y, ..., repeat) into ``out``."""
        *point, repeat = coordinates
        self.slices[int(repeat)].write(point, out)

    def slopes(
        self, coordinates: Sequence[float], gradient: Mapping[str, Tensor]
    ) -> dict[str, float] | None:
        """Return the gradient's inner products with the directions of the point's repeat."""
        *point, repeat = coordinates
        return self.slices[int(repeat)].slopes(point, gradient)

    def tangents(self, coordinates: Sequence[float]) -> dict[str, dict[str, Tensor]]:
        """Return the directions of the point's repeat."""
        *point, repeat = coordinates
        return self.slices[int(repeat)].tangents(point)

    def locate(self, networks: Differences) -> Locations:
        """Project networks onto the slice of the first repeat."""
        return self.slices[0].locate(networks)

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each direction by name."""
        return self._named([slice_.hashes() for slice_ in self.slices])

    def cosines(self) -> dict[str, float]:
        """Return the cosine between each pair of directions of the same repeat."""
        return self._named([slice_.cosines() for slice_ in self.slices])

    def norms(self) -> dict[str, float]:
        """Return the Euclidean norm of each direction by name."""
        return self._named([slice_.norms() for slice_ in self.slices])

    def blocks(self, axis: str) -> Iterator[tuple[str, Index, Tensor]]:
        """Yield a direction in order, as (parameter's name, index of a block, entries)."""
        for number, slice_ in enumerate(self.slices):
            for name in slice_.axes:
                if key_of(number, name) == axis:
                    yield from slice_.blocks(name)

    @staticmethod
    def _named(parts: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
        return {
            key_of(number, name): value
            for number, part in enumerate(parts)
            for name, value in part.items()
        }


def recipes_of(directions: Mapping[str, Direction], repeats: int) -> list[dict[str, Direction]]:
    """Return the directions of each repeat, by axis.

    Raises:
        UsageError: if no direction differs between repeats, so that all surfaces would be equal.
    """
    if repeats > 1 and all(recipe.repeated(1) is recipe for recipe in directions.values()):
        kinds = ", ".join(dict.fromkeys(recipe.kind for recipe in directions.values()))
        raise UsageError(
            f"repeats: got {repeats}, but directions of kind {kinds} are the same in each; make "
            "one of them random, or leave repeats out"
        )
    return [
        {axis: recipe.repeated(number) for axis, recipe in directions.items()}
        for number in range(repeats)
    ]
