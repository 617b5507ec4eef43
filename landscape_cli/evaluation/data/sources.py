"""Sources of batches: datasets of samples, loaders, and iterables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch.utils.data import DataLoader, Dataset, IterableDataset

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.loaders import in_order, iterates_itself


def batches_of(name: str, source: Any, micro_batch: int) -> Iterable[Any]:
    """Return an iterable over a split's batches, in the same order each time.

    Args:
        name: the split's name, for messages.
        source: a dataset of samples, a loader, or an iterable of batches.
        micro_batch: samples in a batch, for datasets of samples.

    Raises:
        ProblemError: if a dataset has no length, or is empty.
    """
    if isinstance(source, DataLoader):
        return in_order(source)
    if isinstance(source, IterableDataset):
        return DataLoader(source, batch_size=micro_batch)
    if isinstance(source, Dataset):
        try:
            length = len(source)  # type: ignore[arg-type]
        except TypeError:
            raise ProblemError(
                f"split {name!r}: a Dataset needs __len__; use an IterableDataset otherwise"
            ) from None
        if length == 0:
            raise ProblemError(f"split {name!r} is empty: its Dataset has length 0")
        return DataLoader(source, batch_size=micro_batch)
    return source  # type: ignore[no-any-return]


def blocks_on_read(batches: Iterable[Any]) -> bool:
    """Tell whether reading a batch takes this process's time.

    It does unless the batches are in memory, or a loader's worker processes read them.
    """
    if isinstance(batches, DataLoader):
        return batches.num_workers == 0
    return not isinstance(batches, (list, tuple))


def makes_new_batches(batches: Iterable[Any]) -> bool:
    """Tell whether a batch stays valid when the next one is read.

    A user's iterable may refill one buffer, whereas PyTorch's loader makes new tensors.
    """
    if isinstance(batches, DataLoader):
        return not iterates_itself(batches)
    return isinstance(batches, (list, tuple))


def estimate_bytes(batches: Iterable[Any], first: int) -> int:
    """Estimate the bytes of all batches, at least, from the bytes of the first.

    All batches but the last are taken to be as large as the first.
    """
    try:
        number = len(batches) if makes_new_batches(batches) else 1  # type: ignore[arg-type]
    except TypeError:  # a loader over an iterable dataset
        number = 1
    return max(1, number - 1) * first
