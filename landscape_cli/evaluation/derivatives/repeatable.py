"""Backward passes on a GPU that give the same bits each time, as far as cuDNN goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def repeatable() -> Iterator[None]:
    """Let convolutions on a GPU use only kernels that add in one order, within a block.

    By default cuDNN may compute weight gradients by atomic additions, whose order varies.

    Example:
        >>> with repeatable():
        ...     torch.backends.cudnn.deterministic
        True
    """
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before
