"""Fixed subset of a dataset, the same at every point so that differences between points remain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from landscape_cli.errors import UsageError

SEED = 0
"""Seed of every draw of samples."""


def subset(name: str, source: Any, count: int, key: str = "samples") -> Any:
    """Return a dataset or loader over a random subset of the samples of another one.

    The samples are drawn with a fixed seed and keep their order. They are stratified by class if
    the dataset has a class for each sample: integers as its second tensor, or the attribute
    ``targets``.

    Args:
        name: the split's name, for messages.
        source: a map-style dataset, or a loader over one.
        count: the number of samples; all samples if there are no more.
        key: the key that asks for a subset, for messages.

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
    """Return the dataset whose samples can be chosen: the split itself, or its loader's dataset.

    Args:
        name: the split's name, for messages.
        source: the split.
        key: the key that asks for a subset, for messages.

    Raises:
        UsageError: if the source is an iterable, whose samples can't be chosen.
    """
    dataset = source.dataset if isinstance(source, DataLoader) else source
    if not isinstance(dataset, Dataset) or not hasattr(dataset, "__len__"):
        raise UsageError(
            f"{key}: split {name!r} is a {type(source).__name__}, whose samples can't be chosen; "
            f"make it a Dataset or a DataLoader over one, or leave {key} out"
        )
    return dataset


def choose(count: int, total: int, classes: NDArray[Any] | None) -> NDArray[np.int64]:
    """Choose ``count`` of the numbers below ``total`` at random, stratified by class.

    A class gets its share of ``count`` rounded down; the classes with the largest remainders get
    one more, so that the shares add up to ``count``.

    Args:
        count: how many numbers to choose, at most ``total``.
        total: how many numbers there are.
        classes: the class of each number, shape (total,), or None.

    Returns:
        The chosen numbers, in ascending order.
    """
    random = np.random.default_rng(SEED)
    if classes is None:
        return np.sort(random.permutation(total)[:count])
    labels, sizes = np.unique(classes, return_counts=True)
    shares = count * sizes / total
    quota = np.floor(shares).astype(int)
    largest_remainders = np.argsort(-(shares - quota), kind="stable")[: count - quota.sum()]
    quota[largest_remainders] += 1
    picked = [
        random.permutation(np.flatnonzero(classes == label))[:size]
        for label, size in zip(labels, quota, strict=True)
    ]
    return np.sort(np.concatenate(picked))


def _classes(dataset: Any) -> NDArray[Any] | None:
    """Return the class of each sample, if known without reading the dataset through."""
    if isinstance(dataset, TensorDataset) and len(dataset.tensors) > 1:
        targets: Any = dataset.tensors[1]
    else:
        targets = getattr(dataset, "targets", None)
    if targets is None:
        return None
    classes = targets.cpu().numpy() if isinstance(targets, Tensor) else np.asarray(targets)
    integers = classes.ndim == 1 and classes.dtype.kind in "iub"
    return classes if integers and len(classes) == len(dataset) else None
