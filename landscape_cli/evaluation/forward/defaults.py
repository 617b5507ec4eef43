"""The settings of the forward pass where nobody measures: from the model's shapes alone.

They do not depend on a clock, so that the same run gives the same bits each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.evaluation.data.batches import tensors_in
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.equivalence import keeps_values
from landscape_cli.evaluation.forward.settings import Settings

ACTIVATION_BYTES = {"cpu": 4 << 20, "cuda": 256 << 20}
"""How large a layer's output for a micro-batch should be: what a cache holds, what fills a GPU."""

FEWEST, MOST = 16, 8192
"""Micro-batches are powers of two between these."""


def choose_default_settings(
    evaluator: Evaluator, corner: Sequence[float], resize: bool = True
) -> Settings:
    """Settings that are fast for most models and give this model's values.

    The micro-batch is such that no layer's output is larger than a cache, images have their
    channels last in memory, and batch norm is folded. Each is taken only if it changes the values
    at the centre and a corner by rounding alone.

    Args:
        evaluator: with its data loaded.
        corner: the coordinates of a corner of the grid.
        resize: whether the micro-batch may change.
    """
    best = evaluator.settings
    batches = list(islice(evaluator.first_split, 2))
    wishes: list[dict[str, Any]] = []
    if resize and evaluator.first_split.divisible:
        wishes.append({"micro_batch": _choose_micro_batch(evaluator)})
    if any(tensor.dim() == 4 and tensor.is_floating_point() for tensor in tensors_in(batches[0])):
        wishes.append({"channels_last": True})
    if len(evaluator.folding()):
        wishes.append({"fold": True})
    for wish in wishes:
        changed = replace(best, **wish)
        if changed != best and keeps_values(evaluator, changed, corner, batches):
            best = changed
    return best


def _choose_micro_batch(evaluator: Evaluator) -> int:
    """The largest power of two with which the largest layer's output fits, or all samples."""
    room = ACTIVATION_BYTES[evaluator.device.type] / max(1, measure_largest_output(evaluator))
    samples = max(split.samples for split in evaluator.splits.values())
    size = FEWEST
    while 2 * size <= min(room, MOST) and size < samples:
        size *= 2
    return size


def measure_largest_output(evaluator: Evaluator) -> int:
    """Bytes of the largest output of a layer for one sample."""
    largest = 0
    samples = 2

    def look(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal largest
        if isinstance(output, Tensor):
            largest = max(largest, output.nbytes // samples)

    layers = [module for module in evaluator.model.modules() if not list(module.children())]
    hooks = [layer.register_forward_hook(look) for layer in layers]
    try:
        with torch.no_grad():
            evaluator.try_out(samples)
    finally:
        for hook in hooks:
            hook.remove()
    return largest
