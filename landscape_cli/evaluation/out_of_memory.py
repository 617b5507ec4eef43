"""Running out of memory: how to know it, and smaller micro-batches as the way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch

from landscape_cli.evaluation.evaluator import Evaluator

Result = TypeVar("Result")

WORDS = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
"""What PyTorch's errors of no type of their own say when memory is short."""


def out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or one that it was raised from, says that there is too little memory."""
    while error is not None:
        if isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError)):
            return True
        if isinstance(error, RuntimeError) and any(words in str(error) for words in WORDS):
            return True
        error = error.__cause__
    return False


def if_it_fits(function: Callable[[], Result], device: torch.device) -> Result | None:
    """Call a function; None if it runs out of memory."""
    try:
        return function()
    except Exception as error:
        if not out_of_memory(error):
            raise
    give_back(device)
    return None


def halve(evaluator: Evaluator) -> bool:
    """Make an evaluator's micro-batches half as large; say whether that was possible."""
    divisible = [split for split in evaluator.splits.values() if split.divisible]
    largest = max((split.samples for split in divisible), default=0)
    size = evaluator.settings.micro_batch
    if 0 < largest < size:
        size = largest
    if not divisible or size < 2:
        return False
    give_back(evaluator.device)
    evaluator.apply(replace(evaluator.settings, micro_batch=size // 2))
    return True


def give_back(device: torch.device) -> None:
    """Return what PyTorch keeps of a GPU's memory for later."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
