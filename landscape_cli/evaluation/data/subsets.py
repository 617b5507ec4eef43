"""A fixed part of a data set, the same for every point, so that differences between points stay."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from landscape_cli.errors import UsageError

SEED = 0


def subset(name: str, source: Any, count: int, key: str = "samples") -> Any:
    """A data set or loader over some of the samples of another one.

    The samples are drawn with a fixed seed and keep their order. Where the data set has a class
    for each sample (integers as its second tensor, or its attribute ``targets``), each class has
    its share of them.

    Args:
        name: the split's name, for messages.
        source: a map-style data set, or a loader over one.
        count: how many samples; all of them if there are no more.
        key: which key asks for them, for messages.

    Raises:
        UsageError: if the source is an iterable, whose samples can't be chosen.
    """
    dataset = dataset_of(name, source, key)
    total = len(dataset)
    if count >= total:
        return source
    chosen = choose(count, total, _classes(dataset))
    part: Subset[Any] = Subset(dataset, chosen.tolist())
    if not isinstance(source, DataLoader):
        return part
    return DataLoader(
        part,
        batch_size=source.batch_size or 1,
        num_workers=source.num_workers,
        collate_fn=source.collate_fn,
    )


def dataset_of(name: str, source: Any, key: str = "samples") -> Any:
    """The data set of which samples can be chosen: a split's own, or the one behind its loader.

    Args:
        name: the split's name, for messages.
        source: the split.
        key: which key asks for a part of the samples, for messages.

    Raises:
        UsageError: if the source is an iterable, whose samples can't be chosen.
    """
    dataset = source.dataset if isinstance(source, DataLoader) else source
    if not isinstance(dataset, Dataset) or not hasattr(dataset, "__len__"):
        raise UsageError(
            f"{key}: split {name!r} is a {type(source).__name__}, of which no samples can be "
            f"chosen; make it a Dataset or a DataLoader over one, or leave {key} out"
        )
    return dataset


def choose(count: int, total: int, classes: NDArray[Any] | None) -> NDArray[np.int64]:
    """Choose ``count`` of ``total`` numbers at random, in order, each class with its share.

    A class gets its share of ``count`` rounded down, and the classes with the largest remainders
    one more, so that the shares add up.

    Args:
        count: how many, at most ``total``.
        total: how many there are.
        classes: the class of each number, shape (total,), or None.
    """
    random = np.random.default_rng(SEED)
    if classes is None:
        return np.sort(random.permutation(total)[:count])
    labels, sizes = np.unique(classes, return_counts=True)
    shares = count * sizes / total
    quota = np.floor(shares).astype(int)
    more = np.argsort(-(shares - quota), kind="stable")[: count - quota.sum()]
    quota[more] += 1
    picked = [
        random.permutation(np.flatnonzero(classes == label))[:size]
        for label, size in zip(labels, quota, strict=True)
    ]
    return np.sort(np.concatenate(picked))


def _classes(dataset: Any) -> NDArray[Any] | None:
    """The class of each sample, if the data set tells without being read through."""
    if isinstance(dataset, TensorDataset) and len(dataset.tensors) > 1:
        found: Any = dataset.tensors[1]
    else:
        found = getattr(dataset, "targets", None)
    if found is None:
        return None
    classes = found.cpu().numpy() if isinstance(found, Tensor) else np.asarray(found)
    whole = classes.ndim == 1 and len(classes) == len(dataset) and classes.dtype.kind in "iub"
    return classes if whole else None
