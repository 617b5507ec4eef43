"""Where batches come from: data sets of samples, loaders, and iterables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch.utils.data import DataLoader, Dataset, IterableDataset, RandomSampler

from landscape_cli.errors import ProblemError


def batches_of(name: str, source: Any, micro_batch: int) -> Iterable[Any]:
    """The batches of a split, in the same order each time they are iterated over.

    Args:
        name: the split's name, for messages.
        source: a data set of samples, a loader, or an iterable of batches.
        micro_batch: samples in a batch, for data sets of samples.

    Raises:
        ProblemError: if a data set has no length, or no sample.
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
                f"split {name!r}: a Dataset needs __len__; give an IterableDataset otherwise"
            ) from None
        if length == 0:
            raise ProblemError(f"split {name!r} is empty: its Dataset has length 0")
        return DataLoader(source, batch_size=micro_batch)
    return source  # type: ignore[no-any-return]


def _in_order(loader: DataLoader[Any]) -> DataLoader[Any]:
    """The loader, or one over the same samples in order if its order is random but complete."""
    sampler = loader.sampler
    whole = (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == len(sampler)
        and sampler.num_samples == len(loader.dataset)  # type: ignore[arg-type]
    )
    if not whole or loader.drop_last or loader.batch_size is None:
        return loader
    return DataLoader(
        loader.dataset,
        batch_size=loader.batch_size,
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
    )


def waits(batches: Iterable[Any]) -> bool:
    """Whether reading a batch takes time here: it is not in memory or read by other processes."""
    if isinstance(batches, DataLoader):
        return batches.num_workers == 0
    return not isinstance(batches, (list, tuple))


def makes_anew(batches: Iterable[Any]) -> bool:
    """Whether a batch stays as it is when the next one is read.

    An iterable of the user's own may fill one buffer again and again; a loader makes new tensors.
    """
    return isinstance(batches, (DataLoader, list, tuple))


def likely_bytes(batches: Iterable[Any], first: int) -> int:
    """The bytes of all batches if all but the last are like the first; at least those of one."""
    try:
        known = isinstance(batches, (DataLoader, list, tuple))
        number = len(batches) if known else 1  # type: ignore[arg-type]
    except TypeError:  # a loader over an iterable data set
        number = 1
    return max(1, number - 1) * first
