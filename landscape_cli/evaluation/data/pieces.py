"""Batches cut where a point that takes as many samples as it needs may stop, and joined again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor

from landscape_cli.evaluation.data.batches import batch_length, divisible, map_columns, regroup
from landscape_cli.evaluation.data.nesting import leaves


def cut(batches: Iterable[Any], first: int) -> Iterator[Any]:
    """Yield batches, cut where a point may stop: after ``first`` samples, 2 * first, 4 * first, ...

    Batches that can't be divided stay whole.
    """
    done, end = 0, first
    for batch in batches:
        length = batch_length(batch) or 0
        start, last = done, done + length
        whole = last <= end or not divisible([batch])
        while True:
            stop = last if whole else min(last, end)
            yield batch if whole else _part(batch, done - start, stop - start)
            done = stop
            while end <= done:
                end *= 2
            if done == last:
                break


def _part(batch: Any, start: int, stop: int) -> Any:
    return map_columns(lambda column: column[start:stop], batch)


def between(batches: Iterable[Any], start: int, stop: int) -> Iterator[Any]:
    """Yield the samples with numbers from ``start`` to below ``stop``, in parts of the batches.

    A batch that can't be divided is yielded whole if any of its samples is among them.
    """
    done = 0
    for batch in batches:
        if done >= stop:
            return
        length = batch_length(batch) or 0
        first, last = max(0, start - done), min(length, stop - done)
        done += length
        if first < last:
            whole = last - first == length or not divisible([batch])
            yield batch if whole else _part(batch, first, last)


def joined(batches: Sequence[Any]) -> Any:
    """Join batches of one ``shape_of`` into one."""
    if len(batches) == 1:
        return batches[0]
    (whole,) = regroup(batches, sum(batch_length(batch) or 0 for batch in batches))
    return whole


def shape_of(batch: Any) -> Any:
    """Describe a ``divisible`` batch but for the number of its samples."""
    return type(batch), *(
        (path, leaf.dtype, leaf.shape[1:]) if isinstance(leaf, Tensor) else (path, type(leaf))
        for path, leaf, _ in leaves(batch)
    )
