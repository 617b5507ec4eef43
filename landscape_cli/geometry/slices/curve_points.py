"""The points of a curve file, and what the slices made from them have in common."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import UsageError, some
from landscape_cli.geometry.directions.base import Direction, DirectionSource
from landscape_cli.geometry.directions.file import entries_from
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.slices.base import SliceContext, SlicePoints, SliceRecipe


class CurveFileRecipe(SliceRecipe, ABC):
    """A slice made from the points w_k of a curve file.

    Attributes:
        path: the curve file, such as ``ab.curve.h5``.
    """

    path: str

    def check(self, axes: Sequence[str], repeats: int, directions: Mapping[str, Direction]) -> None:
        """Refuse repeats and directions."""
        if repeats != 1:
            raise UsageError(f"repeats: got {repeats}, but there is only one curve; leave it out")
        if directions:
            raise UsageError(f"directions: a slice of kind {self.kind} has none; leave them out")

    def load(self, source: DirectionSource) -> SlicePoints:
        """Read the points of the curve.

        Raises:
            LandscapeError: if the file can't be read, or was made for another network.
        """
        curve = source.curve(self.path)
        kept = {name for name, _ in source.stored(self.path, "point0")}
        if beyond := [name for name in source.centre if name not in kept]:
            raise UsageError(
                f"slice.path: the curve in {self.path!r} does not say where {some(beyond)} goes; "
                "leave out perturb: states and batch_norm: perturb"
            )
        points = [
            entries_from(self.path, f"point{number}", "slice.path", source)
            for number in range(curve.points)
        ]
        return SlicePoints({"shape": curve.shape, "ends": list(curve.ends)}, points)

    def own_end(self, context: SliceContext) -> int:
        """Return the number of the point at which the network's own weights are, an end.

        Raises:
            UsageError: if they are at neither end.
        """
        assert context.loaded is not None
        own, tensors = context.parameters.views, context.loaded.tensors
        for number in (0, len(tensors) - 1):
            point = tensors[number]
            if all(torch.equal(point[name].to(view), view) for name, view in own.items()):
                return number
        ends = " or ".join(str(end) for end in context.loaded.facts["ends"])
        raise UsageError(
            f"checkpoint: its weights are not those of an end of the curve in {self.path}; choose "
            f"{ends}"
        )


def products_of(points: Sequence[Mapping[str, Tensor]]) -> NDArray[np.float64]:
    """Return the inner products of points' differences from the first, of shape (K, K).

    Args:
        points: tensors by name, on the CPU.
    """
    differences = Differences(points.__getitem__, len(points), points[0], max(2, len(points)))
    return differences.products(list(points[0]))
