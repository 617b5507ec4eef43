"""How a forward pass is done: what changes its speed, and its values by rounding alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import torch

PRECISIONS = {
    "fp32": None,
    "tf32": None,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
"""The types that autocast computes in; None leaves the model's own types."""


@dataclass(frozen=True)
class Settings:
    """The settings of the forward pass, the same on every rank and for all of a file's points.

    Args:
        micro_batch: samples in one forward pass, for data sets of samples.
        channels_last: whether images (n, c, h, w) lie with their channels last in memory.
        fold: whether batch norm is folded into the convolution before it.
        precision: a name in ``PRECISIONS``; tf32 lets a GPU multiply float32 in tensor cores.
        compile: whether the model is compiled (``evaluation/forward/compilation.py``).
    """

    micro_batch: int
    channels_last: bool = False
    fold: bool = False
    precision: str = "fp32"
    compile: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The settings as a mapping, from which ``Settings(**mapping)`` makes them again."""
        return asdict(self)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Settings:
        """The settings that ``as_dict`` described."""
        return cls(**mapping)

    def summary(self, divisible: bool = True) -> str:
        """The settings in words.

        Args:
            divisible: whether the micro-batch says anything about the data.
        """
        parts = {
            f"micro-batch {self.micro_batch}": divisible,
            "batches as they come": not divisible,
            "channels last": self.channels_last,
            "batch norm folded": self.fold,
            "compiled": self.compile,
        }
        return ", ".join(part for part, there in parts.items() if there)

    @contextmanager
    def precision_on(self, device: torch.device) -> Iterator[None]:
        """Compute in this precision; weights and sums stay as they are."""
        dtype = PRECISIONS[self.precision]
        allowed = self.precision != "fp32"
        before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
        try:
            if dtype is None:
                yield
            else:
                with torch.autocast(device.type, dtype=dtype):
                    yield
        finally:
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
