"""Settings that change a forward pass's speed, and its values only by rounding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

PRECISIONS = {
    "fp32": None,
    "tf32": None,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
}
"""The dtype that autocast computes in, by precision; None keeps the model's own dtypes."""


@dataclass(frozen=True)
class Settings:
    """Settings of the forward pass, the same on every rank and for all points of a file.

    Args:
        micro_batch: samples in one forward pass, for datasets of samples.
        channels_last: whether images (n, c, h, w) have the channels-last memory format.
        fold: whether batch norm is folded into the preceding convolution.
        precision: a name in ``PRECISIONS``; tf32 lets a GPU multiply float32 in tensor cores.
        compile: whether the model is compiled (``evaluation/forward/compilation.py``).
        concurrent: whether several batches are evaluated at once, each on one thread, where the
            model allows it (``evaluation/forward/concurrency.py``); a compiled model never does.
        fuse: whether compiled convolutions are fused with what follows them (``fusion.py``).
        point_per_thread: whether each thread evaluates points of its own, where the model allows it
            (``evaluation/points/threads.py``) and each may stop after its own number of samples.
        hwnc: whether convolutions in bfloat16 on a CPU compute in the memory order HWNC
            (``evaluation/forward/convolutions/hwnc.py``).
        in_place: whether ReLUs and sums overwrite what nothing else reads, where the model allows
            it (``evaluation/forward/in_place.py``).
        group: points in one forward pass, where data are cached and nothing is folded, compiled or
            concurrent (``evaluation/forward/grouping.py``).
    """

    micro_batch: int
    channels_last: bool = False
    fold: bool = False
    precision: str = "fp32"
    compile: bool = False
    concurrent: bool = False
    fuse: bool = False
    group: int = 1
    point_per_thread: bool = False
    hwnc: bool = False
    in_place: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as a mapping; ``Settings(**mapping)`` restores them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Settings:
        """Restore settings from the mapping that ``as_dict`` returned."""
        return cls(**mapping)

    def as_written(self) -> Settings:
        """Return settings by which the model computes as the user wrote it."""
        return replace(self, fold=False, hwnc=False, in_place=False, compile=False)

    def summary(self, divisible: bool = True) -> str:
        """Describe the settings in words.

        Args:
            divisible: whether the micro-batch applies to the data.
        """
        parts = {
            f"micro-batch {self.micro_batch}": divisible,
            "batches as they come": not divisible,
            "channels last": self.channels_last,
            "batch norm folded": self.fold,
            "samples side by side": self.hwnc and not self.compile,
            "compiled": self.compile,
            f"{self.group} points at a time": self.group > 1,
            "a batch on each thread": self.concurrent and not self.compile,
            "a point on each thread": self.point_per_thread and not self.compile,
            "convolutions fused": self.compile and self.fuse,
        }
        return ", ".join(part for part, there in parts.items() if there)

    @property
    def autocast_dtype(self) -> torch.dtype | None:
        """The reduced dtype of the forward pass; None if it keeps the model's own."""
        return PRECISIONS[self.precision]

    @contextmanager
    def precision_on(self, *devices: torch.device) -> Iterator[None]:
        """Compute a block in this precision; weights and sums keep their dtypes."""
        dtype = self.autocast_dtype
        allowed = self.precision != "fp32"
        before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = allowed
        try:
            with ExitStack() as stack:
                for kind in {device.type for device in devices} if dtype is not None else ():
                    stack.enter_context(torch.autocast(kind, dtype=dtype))
                yield
        finally:
            torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
