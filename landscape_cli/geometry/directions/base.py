"""What every kind of direction is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from landscape_cli.geometry.blocks import Blocks, spans
from landscape_cli.geometry.normalization import Scaling

Fill = Callable[[Tensor], None]
"""Fills a flat tensor with a parameter's next raw entries."""


class Direction(BaseModel, ABC):
    """A recipe for a parameter-shaped dict; its fields are its settings in a configuration.

    Drawing and normalizing are apart, and go tensor by tensor, so that directions can be made
    orthogonal in between and never need more memory than themselves. ``entries`` and ``measure``
    do the same block by block for a direction that is never in memory; by default they go by whole
    tensors, and a kind that can do better overrides them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str

    @abstractmethod
    def draw(self, name: str, out: Tensor) -> None:
        """Fill ``out``, float32 or float64 on the CPU, with one parameter's raw entries."""

    @abstractmethod
    def scale(self, direction: Tensor, weights: Tensor) -> None:
        """Normalize one parameter's raw entries in place; both tensors are on the CPU."""

    def entries(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Fill:
        """One parameter's raw entries, the same as ``draw`` gives, from the first to the last.

        A ``Fill`` may be called by other threads, though never by two at once.
        """
        whole = torch.empty(shape, dtype=dtype)
        self.draw(name, whole)
        return _reader(whole.view(-1))

    def measure(self, drawn: Blocks, weights: Tensor) -> Scaling:
        """How to do ``scale`` to the blocks of one parameter, from the first to the last.

        Args:
            drawn: the parameter's raw entries, which are read anew each time.
            weights: the parameter, on any device.
        """
        whole = torch.empty(0)

        def scale(block: Tensor, start: int) -> Tensor:
            nonlocal whole
            if start == 0:
                whole = self._scaled(drawn, weights, block.dtype)
            block.copy_(whole[start : start + len(block)])
            if start + len(block) == drawn.entries:
                whole = torch.empty(0)
            return block

        return scale

    def _scaled(self, drawn: Blocks, weights: Tensor, dtype: torch.dtype) -> Tensor:
        """All entries, flat."""
        whole = torch.empty(drawn.shape, dtype=dtype)
        divided = list(spans(drawn.entries))
        for (start, stop), block in zip(divided, drawn.read(divided), strict=True):
            whole.view(-1)[start:stop] = block
        self.scale(whole, weights.cpu())
        return whole.view(-1)

    @abstractmethod
    def label(self) -> str:
        """A few words for an axis, such as "random direction, filter-normalized (seed 1)"."""

    def repeated(self, number: int) -> Direction:
        """This direction in another repeat, 0 being the first; by default the same in each."""
        return self

    def prepare(self, parameters: Mapping[str, Tensor]) -> None:
        """Refuse parameters that this direction can't be made for; by default none is refused.

        Raises:
            LandscapeError: naming the parameters and the remedy.
        """


def _reader(entries: Tensor) -> Fill:
    """Give a flat tensor's entries, from the first to the last."""
    start = 0

    def fill(out: Tensor) -> None:
        nonlocal start
        out.copy_(entries[start : start + len(out)])
        start += len(out)

    return fill
