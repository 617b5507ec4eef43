"""Fixed subset of a dataset, the same at every point so that differences between points remain."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.data.loaders import chosen_by, iterates_itself

SEED = 0
"""Seed of every draw of samples."""


def subset(
    name: str, source: Any, count: int, key: str = "samples", otherwise: str | None = None
) -> Any:
    """Return a dataset or loader over a random subset of the samples of another one.

    The samples are drawn with a fixed seed and keep their order. They are stratified by class if
    the dataset has a class for each sample: integers as its second tensor, or the attribute
    ``targets``.

    Args:
        name: the split's name, for messages.
        source: a map-style dataset, or a loader over one.
        count: the number of samples; all samples if there are no more.
        key: the key that asks for a subset, for messages.
        otherwise: what to do if samples can't be chosen; to leave the key out if None.

    Raises:
        UsageError: if the source is an iterable, whose samples can't be chosen.
    """
    dataset = dataset_of(name, source, key, otherwise)
    total = len(dataset)
    if count >= total:
        return source
    return _of_samples(source, dataset, choose(count, total, _classes(dataset)))


def mixed(name: str, source: Any, key: str) -> Any:
    """Return a dataset or loader over the samples of another one in a mixed order.

    Its first n samples are a random sample of all, for any n: stratified by class, if the dataset
    has a class for each sample as in ``subset``, each class having its share of them to one or two.
    The order is drawn with a fixed seed.

    Args:
        name: the split's name, for messages.
        source: a map-style dataset, or a loader over one.
        key: the key that asks for this, for messages.

    Raises:
        UsageError: if the source is an iterable, whose samples can't be chosen.
    """
    dataset = dataset_of(name, source, key)
    return _of_samples(source, dataset, mix(len(dataset), _classes(dataset)))


def _of_samples(source: Any, dataset: Any, numbers: NDArray[np.int64]) -> Any:
    """Return the samples of a dataset with these numbers, in a loader if the source is one."""
    part: Subset[Any] = Subset(dataset, numbers.tolist())
    if not isinstance(source, DataLoader):
        return part
    known = chosen_by(source)
    return DataLoader(
        part,
        batch_size=known[0] if known else 1,
        num_workers=source.num_workers,
        collate_fn=source.collate_fn,
    )


def dataset_of(name: str, source: Any, key: str = "samples", otherwise: str | None = None) -> Any:
    """Return the dataset whose samples can be chosen: the split itself, or its loader's dataset.

    Args:
        name: the split's name, for messages.
        source: the split.
        key: the key that asks for a subset, for messages.
        otherwise: what to do if samples can't be chosen; to leave the key out if None.

    Raises:
        UsageError: if the source is an iterable, or a loader that chooses or iterates over its
            samples in its own way.
    """
    refusal = partial(_refusal, key, name, otherwise or f"leave {key} out")
    if not isinstance(source, DataLoader):
        if _is_map_style(source):
            return source
        raise refusal(f"is a {type(source).__name__}")
    kind = type(source).__name__
    if not _is_map_style(source.dataset):
        raise refusal(f"is a {kind} over a {type(source.dataset).__name__}")
    known = chosen_by(source)
    if known is None and iterates_itself(source):
        raise refusal(f"is a {kind}, a DataLoader that iterates in its own way")
    if known is None:
        samplers = source.sampler, source.batch_sampler
        names = " and ".join(type(one).__name__ for one in samplers if one is not None)
        raise refusal(f"is a {kind} with its own choice of samples ({names})")
    _, indices = known
    return source.dataset if indices is None else Subset(source.dataset, indices)


def _is_map_style(dataset: Any) -> bool:
    iterable = isinstance(dataset, IterableDataset)
    return isinstance(dataset, Dataset) and hasattr(dataset, "__len__") and not iterable


def _refusal(key: str, name: str, otherwise: str, what: str) -> UsageError:
    return UsageError(
        f"{key}: split {name!r} {what}, whose samples can't be chosen; make it a Dataset or a "
        f"DataLoader over one, or {otherwise}"
    )


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


def mix(total: int, classes: NDArray[Any] | None) -> NDArray[np.int64]:
    """Return the numbers below ``total`` in a random order whose beginnings are stratified.

    Each class's numbers are shuffled and spread evenly over the whole order, from a random start.

    Args:
        total: how many numbers there are.
        classes: the class of each number, shape (total,), or None.

    Example:
        >>> order = mix(6, np.array([0, 0, 0, 1, 1, 1]))
        >>> [sorted((order[i : i + 2] // 3).tolist()) for i in (0, 2, 4)]
        [[0, 1], [0, 1], [0, 1]]
    """
    random = np.random.default_rng(SEED)
    if classes is None:
        return random.permutation(total)
    places = np.empty(total)
    for label in np.unique(classes):
        members = random.permutation(np.flatnonzero(classes == label))
        places[members] = (np.arange(len(members)) + random.random()) / len(members)
    return np.argsort(places, kind="stable")


def _classes(dataset: Any) -> NDArray[Any] | None:
    """Return the class of each sample, if known without reading the dataset through."""
    if isinstance(dataset, Subset):
        whole = _classes(dataset.dataset)
        return None if whole is None else whole[np.asarray(dataset.indices)]
    if isinstance(dataset, TensorDataset) and len(dataset.tensors) > 1:
        targets: Any = dataset.tensors[1]
    else:
        targets = getattr(dataset, "targets", None)
    if targets is None:
        return None
    classes = targets.cpu().numpy() if isinstance(targets, Tensor) else np.asarray(targets)
    integers = classes.ndim == 1 and classes.dtype.kind in "iub"
    return classes if integers and len(classes) == len(dataset) else None
