"""Sums over the batches of a split whose bits do not depend on who adds which of them.

The batches 0, ..., n - 1 are the leaves of a binary tree: the node (level, index) is the sum over
batches index * 2**level up to (index + 1) * 2**level, those beyond the end left out. A node is
always its left half plus its right half, so any rank that has a whole node's batches gets the same
bits, and ranks pass on only a few nodes each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from torch import Tensor

Node = tuple[int, int]
"""(level, index) of a node."""


def share(batches: int, rank: int, ranks: int) -> range:
    """Return the batches of a rank: consecutive ones, as many as others have, or one more."""
    return range(rank * batches // ranks, (rank + 1) * batches // ranks)


def nodes_of(span: range, batches: int) -> Iterator[Node]:
    """Yield the largest nodes that a span of consecutive batches consists of, in order.

    The span's end counts as aligned if it is the end of all batches.

    Example:
        >>> list(nodes_of(range(2, 7), 7))
        [(1, 1), (2, 1)]
    """
    start = span.start
    while start < span.stop:
        level = 0
        while _fits(start, level + 1, span.stop, batches):
            level += 1
        yield level, start >> level
        start += 1 << level


def _fits(start: int, level: int, stop: int, batches: int) -> bool:
    """Tell whether a node of a level starts here and ends within the span."""
    width = 1 << level
    half = width >> 1
    inside = min(start + width, batches) <= stop
    return start % width == 0 and inside and start + half < batches


def summed(node: Node, batches: int, leaf: Callable[[int], Tensor]) -> Tensor:
    """Add up the leaves of a node, keeping as few sums at a time as its level.

    Args:
        node: the node.
        batches: the number of all batches.
        leaf: computes the sum over one batch; the result may be overwritten.
    """
    level, index = node
    if level == 0:
        return leaf(index)
    left = summed((level - 1, 2 * index), batches, leaf)
    if (2 * index + 1) << (level - 1) < batches:
        left += summed((level - 1, 2 * index + 1), batches, leaf)
    return left


def root(known: Mapping[Node, Tensor], batches: int) -> Tensor:
    """Add up the nodes that all ranks have computed.

    Args:
        known: the nodes of ``nodes_of`` for spans that cover all batches; they may be overwritten.
        batches: the number of all batches.
    """
    level = 0
    while 1 << level < batches:
        level += 1
    return _known(known, (level, 0), batches)


def _known(known: Mapping[Node, Tensor], node: Node, batches: int) -> Tensor:
    if node in known:
        return known[node]
    level, index = node
    left = _known(known, (level - 1, 2 * index), batches)
    if (2 * index + 1) << (level - 1) < batches:
        left += _known(known, (level - 1, 2 * index + 1), batches)
    return left
