"""Directions whose entries come from files."""

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
    """A direction whose entries are loaded, and kept as they are unless a rule is named.

    A rule scales tensors of at least 2 dimensions; those of fewer stay as they are given, or become
    zero with ``ignore: biasbn``.

    Attributes:
        normalize: as they are (``none``), or a rule.
        ignore: nothing (``none``), or tensors of at most one dimension (``biasbn``).
    """

    normalize: str = "none"
    ignore: Ignore = Field(default=Ignore.NONE, strict=False)

    _held: Mapping[str, Tensor] = PrivateAttr(default_factory=dict)

    def holding(self, entries: Entries) -> LoadedDirection:
        """Return this direction with its raw entries, a tensor for each parameter on the CPU."""
        copy = self.model_copy()
        copy._held = dict(entries)
        return copy

    def draw(self, name: str, out: Tensor) -> None:
        """Copy the parameter's entries."""
        out.copy_(self._held[name])

    def entries(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Fill:
        """The same entries, a part after the other."""
        return reader(self._held[name].reshape(-1))

    def measure(self, drawn: Blocks, weights: Tensor) -> Scaling:
        """Measured once, then each block by itself."""
        if self.ignores(weights.dim()):
            return zeroed
        if weights.dim() <= 1:
            return unchanged(drawn, weights)
        return NORMALIZATIONS[self.normalize](drawn, weights)

    def _normalized(self) -> str:
        """What a label says of the rule."""
        return "" if self.normalize == "none" else f", {self.normalize}-normalized"
