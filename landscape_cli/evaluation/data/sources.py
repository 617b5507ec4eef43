"""Sources of batches: datasets of samples, loaders, and iterables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler

from landscape_cli.errors import ProblemError


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
        return _in_order(source)
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


def _in_order(loader: DataLoader[Any]) -> DataLoader[Any]:
    """Replace a loader that shuffles all samples by one that reads them in order."""
    sampler = loader.sampler
    shuffles_all = (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == len(sampler)
        and sampler.num_samples == len(loader.dataset)  # type: ignore[arg-type]
    )
    if not shuffles_all or loader.drop_last or loader.batch_size is None:
        return loader
    return DataLoader(
        loader.dataset,
        batch_size=loader.batch_size,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
    )


def blocks_on_read(batches: Iterable[Any]) -> bool:
    """Tell whether reading a batch takes this process's time.

    It does unless the batches are in memory, or a loader's worker processes read them.
    """
    if isinstance(batches, DataLoader):
        return batches.num_workers == 0
    return not isinstance(batches, (list, tuple))


def makes_new_batches(batches: Iterable[Any]) -> bool:
    """Tell whether a batch stays valid when the next one is read.

    A user's iterable may refill one buffer, whereas a loader makes new tensors.
    """
    return isinstance(batches, (DataLoader, list, tuple))


def estimate_bytes(batches: Iterable[Any], first: int) -> int:
    """Estimate the bytes of all batches, at least, from the bytes of the first.

    All batches but the last are taken to be as large as the first.
    """
    try:
        known = isinstance(batches, (DataLoader, list, tuple))
        number = len(batches) if known else 1  # type: ignore[arg-type]
    except TypeError:  # a loader over an iterable dataset
        number = 1
    return max(1, number - 1) * first
