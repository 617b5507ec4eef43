"""Raw entries of directions, drawn ahead of their use on a few threads."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_cli.geometry.blocks import CHUNK
from landscape_cli.geometry.directions.base import Fill

AHEAD = 2 * CHUNK
SHARE = 1 / 32
"""Entries drawn ahead: so many, or this part of the parameters if that is more."""

LARGE = CHUNK >> 3
"""Blocks of so many entries are used again."""

FEW = 1 << 12
"""So few entries are drawn at once, as handing them to a thread takes as long."""


@dataclass
class Source:
    """One parameter's entries of one direction, drawn block by block.

    Args:
        fill: fills a flat tensor with the next entries.
        dtype: the tensor's type.
        last: the drawing of the block before.
    """

    fill: Fill
    dtype: torch.dtype
    last: Future[None] | None = None


class Drawing:
    """Draws blocks ahead of their use; several at once if they are of different sources.

    Nothing but drawing is done on the threads: sums depend on how many there are. Large blocks are
    used again and again, since taking new ones leaves gaps in memory as large as the blocks.

    Args:
        parameters: how many entries a direction has, of which a small part is drawn ahead.
        threads: how many threads; with 1 no other than the caller's.
    """

    def __init__(self, parameters: int, threads: int) -> None:
        self._ahead = max(AHEAD, int(SHARE * parameters))
        self._pool = ThreadPoolExecutor(threads, "draw") if threads > 1 else None
        self._free: dict[torch.dtype, list[Tensor]] = defaultdict(list)

    def drawn(self, wanted: Iterable[tuple[Source, int]], held: int) -> Iterator[Tensor]:
        """Give the next so many entries of each source, in order, as flat tensors.

        Args:
            wanted: sources, and how many entries of each.
            held: how many of the tensors given last the caller uses; others are overwritten.
        """
        given: deque[Tensor] = deque()
        try:
            for out in self._in_order(wanted):
                given.append(out)
                if len(given) > held:
                    self._give_back(given.popleft())
                yield out
        finally:
            for out in given:
                self._give_back(out)

    def _in_order(self, wanted: Iterable[tuple[Source, int]]) -> Iterator[Tensor]:
        waiting: deque[tuple[Tensor, Future[None] | None]] = deque()
        entries = 0
        for source, count in wanted:
            waiting.append(self._begin(source, count))
            entries += count
            while entries > self._ahead or (self._pool is None and waiting):
                out = _finished(waiting)
                entries -= len(out)
                yield out
        while waiting:
            yield _finished(waiting)

    def _begin(self, source: Source, count: int) -> tuple[Tensor, Future[None] | None]:
        out = self._take(count, source.dtype)
        if self._pool is None or (source.last is None and count < FEW):
            source.fill(out)
            return out, None
        source.last = self._pool.submit(_after, source.last, source.fill, out)
        return out, source.last

    def _take(self, count: int, dtype: torch.dtype) -> Tensor:
        if count < LARGE:
            return torch.empty(count, dtype=dtype)
        free = self._free[dtype]
        return (free.pop() if free else torch.empty(CHUNK, dtype=dtype))[:count]

    def _give_back(self, out: Tensor) -> None:
        if len(out) >= LARGE:
            self._free[out.dtype].append(out.as_strided((CHUNK,), (1,)))


def _after(previous: Future[None] | None, fill: Fill, out: Tensor) -> None:
    """Fill a tensor once the block before it is there; that one's thread was found earlier."""
    if previous is not None:
        previous.result()
    fill(out)


def _finished(waiting: deque[tuple[Tensor, Future[None] | None]]) -> Tensor:
    out, future = waiting.popleft()
    if future is not None:
        future.result()
    return out
