"""The recipe of affine slices: a direction for each axis of the grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Literal

from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.shards import ShardedParameters
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.geometry.slices.base import SliceContext, SliceRecipe
from landscape_cli.geometry.slices.directional import DirectionalSlice
from landscape_cli.geometry.slices.repeated import RepeatedSlice, recipes_of
from landscape_cli.geometry.slices.sharded import ShardedSlice
from landscape_cli.geometry.slices.streamed import StreamedSlice


class AffineRecipe(SliceRecipe):
    """The parameters theta + sum_i a_i d_i around the trained network, Li et al. 2018, eq. (1)."""

    kind: Literal["affine"] = "affine"

    @property
    def uses_directions(self) -> bool:
        """True: each axis has a direction."""
        return True

    def check(self, axes: Sequence[str], repeats: int, directions: Mapping[str, Direction]) -> None:
        """Refuse repeats if no direction differs between them."""
        recipes_of(directions, repeats)

    def build(self, context: SliceContext) -> DirectionalSlice:
        """Draw the directions of each repeat around one centre."""
        make = _maker(context)
        slices: list[DirectionalSlice] = [
            make(directions, context.orthogonal)
            for directions in recipes_of(context.directions, context.repeats)
        ]
        built = slices[0] if len(slices) == 1 else RepeatedSlice(slices)
        built.refuse_zero()
        return built


def _maker(context: SliceContext) -> Callable[[Mapping[str, Direction], bool], DirectionalSlice]:
    """Return what makes a slice around the trained network from directions."""
    parameters = context.parameters
    if isinstance(parameters, ShardedParameters):
        return partial(ShardedSlice, parameters, keep=not context.streamed)
    return partial(StreamedSlice if context.streamed else build_slice, parameters.clone())
