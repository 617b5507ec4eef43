"""Several slices around one centre, the repeats, as one slice."""

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
    """Several slices, one of which the last coordinate, (x, y, repeat), chooses by its number.

    All directions go by names of their own: ``x`` and ``y`` in repeat 0, ``repeat1/x`` and so on in
    the others; so do hashes, and cosines such as ``repeat1/x,y``.

    Args:
        slices: at least one, resident or streamed, around the same centre.
    """

    def __init__(self, slices: Sequence[DirectionalSlice]) -> None:
        self.slices = list(slices)
        self.centre = slices[0].centre
        self.recipes = self._named([one.recipes for one in self.slices])

    @property
    def axes(self) -> tuple[str, ...]:
        """The names of the directions of all repeats."""
        return tuple(key_of(n, axis) for n, one in enumerate(self.slices) for axis in one.axes)

    @property
    def origin(self) -> tuple[float, ...]:
        """The coordinates of the centre, in the first repeat."""
        return (*self.slices[0].origin, 0.0)

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the parameters at a point (x, y, ..., repeat) into ``out``."""
        *place, repeat = coordinates
        self.slices[int(repeat)].write(place, out)

    def slopes(
        self, coordinates: Sequence[float], gradient: Mapping[str, Tensor]
    ) -> dict[str, float] | None:
        """Return the gradient's inner products with the directions of the point's repeat."""
        *place, repeat = coordinates
        return self.slices[int(repeat)].slopes(place, gradient)

    def locate(self, networks: Differences) -> Locations:
        """Project networks on the first repeat's slice."""
        return self.slices[0].locate(networks)

    def hashes(self) -> dict[str, str]:
        """SHA-256 of each direction by name."""
        return self._named([one.hashes() for one in self.slices])

    def cosines(self) -> dict[str, float]:
        """The cosine between each pair of directions of a repeat, not between repeats."""
        return self._named([one.cosines() for one in self.slices])

    def norms(self) -> dict[str, float]:
        """The Euclidean norm of each direction by name."""
        return self._named([one.norms() for one in self.slices])

    def blocks(self, axis: str) -> Iterator[tuple[str, Index, Tensor]]:
        """A direction as (parameter's name, place in it, entries there), from first to last."""
        for number, one in enumerate(self.slices):
            for name in one.axes:
                if key_of(number, name) == axis:
                    yield from one.blocks(name)

    @staticmethod
    def _named(parts: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
        return {
            key_of(n, name): value for n, one in enumerate(parts) for name, value in one.items()
        }


def recipes_of(directions: Mapping[str, Direction], repeats: int) -> list[dict[str, Direction]]:
    """The directions of each repeat, by axis.

    Raises:
        UsageError: if no direction differs between repeats, so that all would be the same surface.
    """
    if repeats > 1 and all(one.repeated(1) is one for one in directions.values()):
        kinds = ", ".join(dict.fromkeys(one.kind for one in directions.values()))
        raise UsageError(
            f"repeats: got {repeats}, but directions of kind {kinds} are the same in each; make "
            "one of them random, or leave repeats out"
        )
    return [
        {axis: one.repeated(number) for axis, one in directions.items()}
        for number in range(repeats)
    ]
