"""The checkpoints of trainings one after the other, each with its own weights."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import field_serializer, field_validator
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import Direction, DirectionSource, Range
from landscape_cli.geometry.inner_products import dot
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.base import (
    ReadWeights,
    Slice,
    SliceContext,
    SliceFacts,
    SlicePoints,
    SliceRecipe,
)
from landscape_cli.records.checkpoint_path import CheckpointPath

KEPT = 16
"""Upper bound on the number of checkpoints in memory: those of a tile may be needed again."""


class CheckpointsRecipe(SliceRecipe):
    """Networks of trainings by number: x = 0 is the first checkpoint, x = 1 the next.

    Nothing lies between them: the grid has a point for each. With ``perturb: states`` and
    ``batch_norm: perturb``, each has its own buffers too.

    Attributes:
        paths: the checkpoints, in the forms of a configuration's ``checkpoint``.
        counts: number of checkpoints of each training, in order; one training if left out.
    """

    kind: Literal["checkpoints"] = "checkpoints"
    paths: list[CheckpointPath]
    counts: list[int] | None = None

    @field_validator("paths", mode="plain")
    @classmethod
    def _parse(cls, values: Any) -> list[CheckpointPath]:
        if not isinstance(values, list) or not values:
            raise ValueError("expected a list of checkpoints")
        return [CheckpointPath.parse(value) for value in values]

    @field_serializer("paths")
    def _plain(self, paths: list[CheckpointPath]) -> list[str | dict[str, str]]:
        return [path.as_plain() for path in paths]

    def check(self, axes: Sequence[str], repeats: int, directions: Mapping[str, Direction]) -> None:
        """Refuse more than one axis, repeats, directions, and counts of other checkpoints."""
        if tuple(axes) != ("x",):
            raise UsageError(
                f"grid: got axes {', '.join(axes)}, but a slice of kind checkpoints has only x, "
                f"from 0 to {len(self.paths) - 1}; leave out the others"
            )
        if repeats != 1:
            raise UsageError(
                f"repeats: got {repeats}, but checkpoints are there once; leave it out"
            )
        if directions:
            raise UsageError("directions: a slice of kind checkpoints has none; leave them out")
        if self.counts is not None and sum(self.counts) != len(self.paths):
            raise UsageError(
                f"slice.counts: {sum(self.counts)} checkpoints in all, but slice.paths has "
                f"{len(self.paths)}"
            )

    def load(self, source: DirectionSource) -> SlicePoints:
        """Identify every checkpoint by its hash."""
        return SlicePoints({"sha256": [source.sha256(path) for path in self.paths]}, [])

    def build(self, context: SliceContext) -> CheckpointsSlice:
        """Return the checkpoints, which are read when they are written."""
        assert context.loaded is not None
        assert context.read is not None
        counts = self.counts or [len(self.paths)]
        hashes = context.loaded.facts["sha256"]
        return CheckpointsSlice(self.paths, counts, hashes, context.read, min(KEPT, context.room))

    def range(self, axis: str) -> Range | None:
        """Return the numbers of all checkpoints."""
        return 0.0, float(len(self.paths) - 1), "the number of checkpoints"


class CheckpointsSlice(Slice):
    """Checkpoints by number.

    Args:
        paths: the checkpoints.
        counts: number of checkpoints of each training, in order.
        hashes: the hash of each.
        read: reads a checkpoint's tensors, given its path and hash.
        room: largest number of checkpoints to keep in memory, at least 2.
    """

    def __init__(
        self,
        paths: Sequence[CheckpointPath],
        counts: Sequence[int],
        hashes: Sequence[str],
        read: ReadWeights,
        room: int,
    ) -> None:
        self._paths, self._counts, self._hashes = paths, counts, hashes
        self._read, self._room = read, max(2, room)
        self._kept: OrderedDict[int, Mapping[str, Tensor]] = OrderedDict()

    @property
    def origin(self) -> tuple[float, ...]:
        """The last checkpoint."""
        return (float(len(self._paths) - 1),)

    @property
    def own_states(self) -> bool:
        """True: buffers that are written are those of the checkpoint itself."""
        return True

    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the weights of the checkpoint of this number.

        Raises:
            UsageError: between two checkpoints.
        """
        out.assign(self._weights(self._number(coordinates)))

    def slopes(
        self, coordinates: Sequence[float], gradient: Mapping[str, Tensor]
    ) -> dict[str, float]:
        """Return the derivative of the loss by the length of the step to the next checkpoint.

        That is g . d / |d| over the tensors of the gradient, 0 where there is no next checkpoint in
        the training or d is zero.
        """
        number = self._number(coordinates)
        ends = [sum(self._counts[: place + 1]) - 1 for place in range(len(self._counts))]
        if number in ends:
            return {"x": 0.0}
        here, there = self._weights(number), self._weights(number + 1)
        step = {
            name: (there[name].double() - here[name].double()).to(slope.device)
            for name, slope in gradient.items()
        }
        length = math.sqrt(dot(step, step))
        return {"x": dot(gradient, step) / length if length > 0 else 0.0}

    def facts(self) -> SliceFacts:
        """Return the hash of each checkpoint."""
        return SliceFacts.of_slice(
            "checkpoints",
            self.origin,
            {"x": "checkpoint"},
            sha256=list(self._hashes),
            counts=list(self._counts),
        )

    def _number(self, coordinates: Sequence[float]) -> int:
        (x,) = coordinates
        number = round(x)
        if abs(x - number) > 1e-6 or not 0 <= number < len(self._paths):
            raise UsageError(
                f"grid.x: there is no checkpoint at {x:g}; use 0 to {len(self._paths) - 1} with "
                f"{len(self._paths)} points"
            )
        return number

    def _weights(self, number: int) -> Mapping[str, Tensor]:
        """Return a checkpoint's tensors, keeping those that were used last."""
        if number not in self._kept:
            while len(self._kept) >= self._room:
                self._kept.popitem(last=False)
            self._kept[number] = self._read(self._paths[number], self._hashes[number])
        self._kept.move_to_end(number)
        return self._kept[number]
