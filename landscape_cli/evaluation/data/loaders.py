"""Facts of a ``DataLoader``: whether its class iterates in its own way, and in which order."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
)

METHODS = {
    name
    for name, value in vars(DataLoader).items()
    if name != "__init__" and (callable(value) or isinstance(value, property))
} | {*DataLoader.__annotations__, "__getattribute__"}
"""Names by which ``DataLoader`` iterates; a class that defines one of them has its own way."""


def iterates_itself(loader: DataLoader[Any]) -> bool:
    """Tell whether a loader's class replaces anything of ``DataLoader``'s iteration.

    A class with only a constructor and methods of its own does not: ``torch_geometric``'s, for
    example, which sets ``collate_fn``.
    """
    kinds = type(loader).__mro__
    return any(METHODS & set(vars(kind)) for kind in kinds[: kinds.index(DataLoader)])


def shuffles(sampler: Any, dataset: Any) -> bool:
    """Tell whether a sampler takes every sample of a data set once, in a random order."""
    return (
        type(sampler) is RandomSampler
        and not sampler.replacement
        and sampler.num_samples == len(sampler) == len(dataset)
    )


def in_order(loader: DataLoader[Any]) -> DataLoader[Any]:
    """Return a loader that reads the samples of a shuffling one in order.

    The order is that of the data set, or of the indices of a ``SubsetRandomSampler``. It is a copy
    of the loader with another sampler, so that a class that iterates in its own way still does. A
    loader that leaves samples out, or has any other sampler, is returned as it is.
    """
    sampler: Any = loader.sampler
    if loader.drop_last or loader.batch_size is None:
        return loader
    if type(sampler) is SubsetRandomSampler:
        ordered: Any = list(sampler.indices)
    elif shuffles(sampler, loader.dataset):
        ordered = SequentialSampler(loader.dataset)  # type: ignore[arg-type]
    else:
        return loader
    found = copy.copy(loader)
    vars(found).update(
        sampler=ordered, batch_sampler=BatchSampler(ordered, loader.batch_size, False)
    )
    vars(found)["_iterator"] = None  # of workers that persist
    return found


def chosen_by(loader: DataLoader[Any]) -> tuple[int, Sequence[int] | None] | None:
    """Return a loader's batch size, and the samples that it reads, None for all of its data set.

    Returns:
        None if this is not known: the class iterates in its own way, or the samplers are not
        PyTorch's for reading in order, shuffling or dividing a data set.
    """
    sampler: Any = loader.sampler
    size = loader.batch_size
    if size is None and type(loader.batch_sampler) is BatchSampler:
        sampler, size = loader.batch_sampler.sampler, loader.batch_sampler.batch_size
    if size is None or iterates_itself(loader):
        return None
    if type(sampler) is SubsetRandomSampler:
        return size, list(sampler.indices)
    whole = type(sampler) is SequentialSampler or shuffles(sampler, loader.dataset)
    return (size, None) if whole else None
