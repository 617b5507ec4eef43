"""Raw entries of directions, drawn ahead of use on several threads."""

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
"""Number of entries drawn ahead, unless ``SHARE`` allows more."""

SHARE = 1 / 32
"""Entries drawn ahead, as a fraction of the number of parameters."""

LARGE = CHUNK >> 3
"""Smallest block, in entries, whose memory is reused."""

FEW = 1 << 12
"""Entries below which the calling thread draws, as passing them to another takes as long."""


@dataclass
class Source:
    """Entries of one parameter in one direction, drawn block by block.

    Args:
        fill: fills a flat tensor with the next entries.
        dtype: dtype of the entries.
        last: the pending draw of the previous block, if any.
    """

    fill: Fill
    dtype: torch.dtype
    last: Future[None] | None = None


class Drawing:
    """Draws blocks ahead of use, several at once if they have different sources.

    The threads only draw, since sums would depend on their number. The memory of large blocks is
    reused, since allocating new blocks leaves gaps of their size.

    Args:
        parameters: number of entries in a direction, of which a small part is drawn ahead.
        threads: number of threads; with 1, the calling thread draws.
    """

    def __init__(self, parameters: int, threads: int) -> None:
        self._ahead = max(AHEAD, int(SHARE * parameters))
        self._pool = ThreadPoolExecutor(threads, "draw") if threads > 1 else None
        self._free: dict[torch.dtype, list[Tensor]] = defaultdict(list)

    def draw(self, requests: Iterable[tuple[Source, int]], in_use: int) -> Iterator[Tensor]:
        """Yield the next entries of sources, in order, as flat tensors.

        Args:
            requests: pairs of a source and a number of entries.
            in_use: number of latest tensors that the caller still uses; earlier ones are
                overwritten.
        """
        lent: deque[Tensor] = deque()
        try:
            for out in self._draw_in_order(requests):
                lent.append(out)
                if len(lent) > in_use:
                    self._release(lent.popleft())
                yield out
        finally:
            for out in lent:
                self._release(out)

    def _draw_in_order(self, requests: Iterable[tuple[Source, int]]) -> Iterator[Tensor]:
        pending: deque[tuple[Tensor, Future[None] | None]] = deque()
        entries = 0
        for source, count in requests:
            pending.append(self._begin(source, count))
            entries += count
            while entries > self._ahead or (self._pool is None and pending):
                out = _wait(pending)
                entries -= len(out)
                yield out
        while pending:
            yield _wait(pending)

    def _begin(self, source: Source, count: int) -> tuple[Tensor, Future[None] | None]:
        out = self._allocate(count, source.dtype)
        if self._pool is None or (source.last is None and count < FEW):
            source.fill(out)
            return out, None
        source.last = self._pool.submit(_fill_after, source.last, source.fill, out)
        return out, source.last

    def _allocate(self, count: int, dtype: torch.dtype) -> Tensor:
        if count < LARGE:
            return torch.empty(count, dtype=dtype)
        free = self._free[dtype]
        return (free.pop() if free else torch.empty(CHUNK, dtype=dtype))[:count]

    def _release(self, out: Tensor) -> None:
        if len(out) >= LARGE:
            self._free[out.dtype].append(out.as_strided((CHUNK,), (1,)))


def _fill_after(previous: Future[None] | None, fill: Fill, out: Tensor) -> None:
    """Fill a tensor after the previous block, which was submitted first, so no deadlock."""
    if previous is not None:
        previous.result()
    fill(out)


def _wait(pending: deque[tuple[Tensor, Future[None] | None]]) -> Tensor:
    """Return the first pending block once it is filled."""
    out, future = pending.popleft()
    if future is not None:
        future.result()
    return out
