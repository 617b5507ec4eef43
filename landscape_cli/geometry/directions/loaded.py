"""The base class of directions whose entries come from files."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import Field, PrivateAttr
from torch import Tensor

from landscape_cli.geometry.blocks import Blocks
from landscape_cli.geometry.directions.base import Entries, Fill, reader
from landscape_cli.geometry.directions.normalized import NormalizedDirection
from landscape_cli.geometry.normalization import NORMALIZATIONS, Ignore, Scaling, unchanged, zeroed


class LoadedDirection(NormalizedDirection):
    """A direction whose entries are loaded, and left unchanged unless a rule is named.

    A rule scales tensors of at least 2 dimensions. All others are unchanged, or zero with
    ``ignore: biasbn``.

    Attributes:
        normalize: a rule, or ``none``, which leaves entries unchanged.
        ignore: ``biasbn`` does not move tensors of at most one dimension; ``none`` moves all.
    """

    normalize: str = "none"
    ignore: Ignore = Field(default=Ignore.NONE, strict=False)

    _loaded: Mapping[str, Tensor] = PrivateAttr(default_factory=dict)

    def holding(self, entries: Entries) -> LoadedDirection:
        """Return this direction with its raw entries, one CPU tensor per parameter."""
        copy = self.model_copy()
        copy._loaded = dict(entries)
        return copy

    def draw(self, name: str, out: Tensor) -> None:
        """Copy the parameter's entries."""
        out.copy_(self._loaded[name])

    def entries(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Fill:
        """Return a ``Fill`` that copies the parameter's entries block by block."""
        return reader(self._loaded[name].reshape(-1))

    def measure(self, drawn: Blocks, weights: Tensor) -> Scaling:
        """Return the scaling of one parameter by the rule."""
        if self.ignores(weights.dim()):
            return zeroed
        if weights.dim() <= 1:
            return unchanged(drawn, weights)
        return NORMALIZATIONS[self.normalize](drawn, weights)

    def _normalized(self) -> str:
        """Return the part of a label that names the rule."""
        return "" if self.normalize == "none" else f", {self.normalize}-normalized"
