"""Detection of out-of-memory errors, and smaller micro-batches as the remedy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import torch

from landscape_cli.errors import ProblemError
from landscape_cli.util import accelerators

if TYPE_CHECKING:
    from landscape_cli.evaluation.evaluator import Evaluator

Result = TypeVar("Result")

WORDS = (
    *("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED"),
    *("OUT_OF_DEVICE_MEMORY", "OUT_OF_HOST_MEMORY"),
)
"""Words in PyTorch's out-of-memory errors that are plain ``RuntimeError``."""


def out_of_memory(error: BaseException | None) -> bool:
    """Tell whether an error, or one of its causes, is an out-of-memory error."""
    while error is not None:
        if isinstance(error, (accelerators.OutOfMemoryError, MemoryError)):
            return True
        if isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS):
            return True
        error = error.__cause__
    return False


def if_it_fits(function: Callable[[], Result], device: torch.device) -> Result | None:
    """Call a function and return its result, or None if it runs out of memory."""
    try:
        return function()
    except Exception as error:
        if not out_of_memory(error):
            raise
    give_back(device)
    return None


def halve(evaluator: Evaluator) -> bool:
    """Halve an evaluator's micro-batch, and return whether that was possible.

    Raises:
        ProblemError: if values depend on which samples share a batch.
    """
    divisible = [split for split in evaluator.splits.values() if split.divisible]
    for split in divisible:
        if split.dependence is not None:
            raise too_large(split.name, evaluator.settings.micro_batch)
    largest = max((split.samples for split in divisible), default=0)
    size = evaluator.settings.micro_batch
    if 0 < largest < size:
        size = largest
    if not divisible or size < 2:
        return False
    give_back(evaluator.device)
    evaluator.apply(replace(evaluator.settings, micro_batch=size // 2))
    return True


def too_large(split: str, size: int) -> ProblemError:
    """Return the error for a micro-batch that does not fit, and must not be halved."""
    return ProblemError(
        f"batch_size: {size} samples do not fit into memory, and fewer would change the values on "
        f"split {split!r}, which depend on which samples share a batch; set batch_size to less"
    )


def give_back(device: torch.device) -> None:
    """Release the memory of an accelerator that PyTorch's allocator caches."""
    accelerators.empty_cache(device)
