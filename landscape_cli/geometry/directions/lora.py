"""The direction of a LoRA adapter, in the space of the weights that it adapts."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar, Literal

import torch
from pydantic import Field

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import (
    DirectionFiles,
    DirectionSource,
    Entries,
    Range,
)
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.util.tensors import wide_dtype


class LoraDirection(LoadedDirection):
    """The update scale B A of an adapter: the network is at 0, and with the adapter merged at 1.

    The line is straight in the weights W, unlike a line in A and B, whose product is quadratic.
    Hu et al. 2022, *LoRA: Low-Rank Adaptation of Large Language Models*, eq. (3), with the scale
    alpha / r, or alpha / sqrt(r) for a rank-stabilized adapter.

    Attributes:
        path: a folder of peft, or a ``.safetensors`` file with ``lora_A`` and ``lora_B``.
        alpha: of a file that has no ``adapter_config.json`` beside it.
    """

    auto_points: ClassVar[int] = 53
    """From -0.5 to 1.5 in steps of 1/26, so that both networks are grid points."""

    kind: Literal["lora"] = "lora"
    path: str
    alpha: float | None = Field(default=None, gt=0, strict=False)

    def range(self, axis: str, files: DirectionFiles) -> Range | None:
        """Return a range that extends beyond both networks; None if normalized."""
        if self.normalize != "none":
            return None
        return -0.5, 1.5, "the network being at 0 and with the adapter at 1"

    def load(self, axis: str, source: DirectionSource) -> Entries:
        """Multiply the adapter's factors, with zeros for weights that it does not adapt.

        Raises:
            UsageError: if it adapts weights that are tied, or that the slice does not move.
        """
        key = f"directions.{axis}"
        updates = source.adapter(key, self.path, self.alpha)
        tied = {name: others[0] for name, others in self._aliases.items()}
        tied |= {other: name for name, others in self._aliases.items() for other in others}
        for name in updates:
            if name in tied:
                raise UsageError(
                    f"{key}: {self.path!r} adapts {name}, which is tied to {tied[name]}; merging "
                    "would untie them, which no direction can"
                )
            if name not in source.centre:
                raise UsageError(
                    f"{key}: {self.path!r} adapts {name}, which shares memory with another "
                    "parameter and does not move by itself"
                )
        return {
            name: updates[name].to(wide_dtype(like))
            if name in updates
            else torch.zeros(like.shape, dtype=wide_dtype(like))
            for name, like in source.centre.items()
        }

    def label(self) -> str:
        """Return a label with the adapter's name."""
        return f"LoRA adapter {PurePath(self.path).name}{self._normalized()}"
