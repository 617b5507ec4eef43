"""Default settings of the forward pass, chosen from the model's shapes alone.

They do not depend on timings, so the same run gives the same bits each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.evaluation.data.batches import has_images
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.convolutions.folding import is_convolutional
from landscape_cli.evaluation.forward.equivalence import keeps_values, own_means
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.util.processor import computes_bf16, level_2_cache

ACTIVATION_BYTES, ACCELERATOR_ACTIVATION_BYTES = 4 << 20, 512 << 20
"""Upper bound in bytes on a layer's output for a micro-batch: a CPU cache, or enough for a GPU."""

SHORT = 8
"""Largest number of pixels in a short row, of which the memory order HWNC makes long ones."""

THREAD_BYTES, CACHES = 2 << 20, 2
"""Upper bound on a layer's output for a micro-batch that a single thread evaluates: bytes, or more
where a core's level-2 cache is large, as a multiple of it."""

LEAST_THREAD_BYTES = 1 << 20
"""Lower bound on that output: with less work in each layer, threads wait for Python's lock."""

BATCHES_PER_THREAD = 4
"""Lower bound on the batches for each thread, so that none waits long for the last."""

FEWEST, MOST = 16, 8192
"""Bounds on the micro-batch."""


def choose_default_settings(
    evaluator: Evaluator, corner: Sequence[float], resize: bool = True
) -> Settings:
    """Choose settings that are fast for most models and keep this model's values.

    The micro-batch is bounded so that no layer's output exceeds ``ACTIVATION_BYTES``, images get
    the channels-last memory format, batch norm is folded, ReLUs and sums are computed in place, and
    in bfloat16 convolutions of mostly small images compute in the order HWNC. Convolutional
    networks are evaluated on one micro-batch per thread, with an output of about ``THREAD_BYTES``.
    Each change is made only if values at the origin and a corner change only by rounding.

    Args:
        evaluator: an evaluator with its data loaded.
        corner: the coordinates of a corner of the grid.
        resize: whether the micro-batch may change.
    """
    best = evaluator.settings
    batches = list(islice(evaluator.first_split, 2))
    changes: list[dict[str, Any]] = []
    if resize and evaluator.first_split.divisible:
        changes.append({"micro_batch": _choose_micro_batch(evaluator, ACTIVATION_BYTES)})
    if has_images(batches[0]):
        changes.append({"channels_last": True})
    if len(evaluator.folding()):
        changes.append({"fold": True})
    if len(evaluator.in_place()):
        changes.append({"in_place": True})
    if _has_short_rows(evaluator):
        changes.append({"hwnc": True})
    changes.append(_change_for_threads(evaluator, resize))
    expected = None
    for change in changes:
        changed = replace(best, **change)
        if changed == best:
            continue
        expected = expected or own_means(evaluator, corner, batches)
        if keeps_values(evaluator, changed, corner, batches, expected):
            best = changed
    return best


def _choose_micro_batch(evaluator: Evaluator, limit: int) -> int:
    """Choose the largest power of two that fits, but no larger than needed for all samples.

    On an accelerator a size that divides the splits is preferred: batches of other shapes run
    neither compiled nor as CUDA graphs.

    Args:
        evaluator: an evaluator with its data loaded.
        limit: bytes of a layer's output, on a CPU.
    """
    largest = measure_largest_output(evaluator)
    if largest == 0:  # nothing can be observed in a TorchScript model
        return evaluator.settings.micro_batch
    on_cpu = evaluator.device.type == "cpu"
    room = (limit if on_cpu else ACCELERATOR_ACTIVATION_BYTES) / largest
    samples = [split.samples for split in evaluator.splits.values()]
    size = FEWEST
    while 2 * size <= min(room, MOST) and size < max(samples):
        size *= 2
    return size if on_cpu else _divide(samples, size)


def _divide(samples: Sequence[int], size: int) -> int:
    """Return the largest size, from the given one down to its half, that divides larger splits."""
    for each in range(size, size // 2, -1):
        if all(number <= each or number % each == 0 for number in samples):
            return each
    return size


def _change_for_threads(evaluator: Evaluator, resize: bool) -> dict[str, Any]:
    """Choose settings for evaluating a micro-batch on each thread; none for an unsuited model."""
    largest = _most_samples(evaluator) // (torch.get_num_threads() * BATCHES_PER_THREAD)
    size = evaluator.settings.micro_batch
    if resize and evaluator.first_split.divisible:
        room = min(max(THREAD_BYTES, CACHES * level_2_cache()), ACTIVATION_BYTES)
        size = _choose_micro_batch(evaluator, room)
        while size > max(largest, FEWEST):
            size //= 2
    enough = size * measure_largest_output(evaluator) >= LEAST_THREAD_BYTES
    suited = size <= largest and enough and suits_threads(evaluator)
    return {"micro_batch": size, "concurrent": True} if suited else {}


def suits_threads(evaluator: Evaluator) -> bool:
    """Tell whether a batch per thread may be faster than all threads on each batch.

    Other networks than convolutional ones gain little: their few large products use all threads.
    """
    several = torch.get_num_threads() > 1 and evaluator.first_split.divisible
    suited = is_convolutional(evaluator.model) and several
    return suited and evaluator.concurrency().possible


def _most_samples(evaluator: Evaluator) -> int:
    """Return the samples of the largest split."""
    return max(split.samples for split in evaluator.splits.values())


def _has_short_rows(evaluator: Evaluator) -> bool:
    """Tell whether most multiplications in bfloat16 are those of convolutions of short rows."""
    if evaluator.settings.precision != "bf16" or not computes_bf16():
        return False
    convolutions = evaluator.hwnc().convolutions
    work = {False: 0, True: 0}

    def count(module: Any, inputs: Any, output: Tensor) -> None:
        work[output.shape[-1] <= SHORT] += output.numel() * module.weight[0].numel()

    with observed(convolutions, count):
        _try_out(evaluator, 2)
    return work[True] > work[False]


def _try_out(evaluator: Evaluator, samples: int) -> None:
    """Evaluate a few samples in the run's precision."""
    with torch.no_grad(), evaluator.settings.precision_on(*evaluator.parameters.devices):
        evaluator.try_out(samples)


@contextmanager
def observed(modules: Iterable[nn.Module], look: Callable[[Any, Any, Any], None]) -> Iterator[None]:
    """Call a function with each module, its inputs and its output, within a block."""
    hooks = [module.register_forward_hook(look) for module in modules]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def measure_largest_output(evaluator: Evaluator) -> int:
    """Measure the bytes per sample of the largest output of any layer, in the run's precision."""
    largest = 0
    samples = 2

    def measure(module: nn.Module, inputs: Any, output: Any) -> None:
        nonlocal largest
        if isinstance(output, Tensor):
            largest = max(largest, output.nbytes // samples)

    layers = [
        module
        for module in evaluator.model.modules()
        if not list(module.children()) and not isinstance(module, torch.jit.ScriptModule)
    ]
    with observed(layers, measure):
        _try_out(evaluator, samples)
    return largest
