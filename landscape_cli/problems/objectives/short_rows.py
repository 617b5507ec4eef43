"""Cross entropies of a few classes on a CPU, whose rows are too short for PyTorch's vectors."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

LANES = {"AVX512": 16, "AVX2": 8}
"""Numbers of float32 in a vector, by the instructions that PyTorch uses."""

SAMPLES = 128
"""Fewest samples for which the extra copy pays off."""


def sample_losses(scores: Tensor, targets: Tensor) -> Tensor:
    """Compute each sample's cross entropy, the same bits as ``functional.cross_entropy``.

    PyTorch's log-softmax goes through the classes of a sample one by one if they do not fill a
    vector. Along the first dimension of the transposed scores, it handles a vector of samples at a
    time, by the same operations for each, which is several times faster. Samples are padded to
    whole vectors, since it computes what is left over with other functions.

    Args:
        scores: logits, shape (n, classes, ...).
        targets: class indices, int64, shape (n, ...).

    Returns:
        The losses in nats, shape (n, ...).
    """
    if not _is_short(scores):
        return functional.cross_entropy(scores, targets, reduction="none")
    samples, classes = scores.shape
    columns = scores.new_zeros(classes, -(-samples // _lanes()) * _lanes())
    columns[:, :samples] = scores.t()
    logarithms = columns.log_softmax(dim=0)[:, :samples]
    return functional.nll_loss(logarithms.t(), targets, reduction="none")


def _is_short(scores: Tensor) -> bool:
    """Tell whether PyTorch goes through scores one by one, for values without gradients."""
    if scores.dim() != 2 or scores.dtype != torch.float32 or scores.requires_grad:
        return False
    return scores.is_cpu and len(scores) >= SAMPLES and 1 < scores.shape[1] < _lanes()


@lru_cache
def _lanes() -> int:
    """Return the numbers in a vector; 0 where it is unknown."""
    return LANES.get(torch.backends.cpu.get_cpu_capability(), 0)
