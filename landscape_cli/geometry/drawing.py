"""Raw entries of directions, drawn ahead of their use on a few threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from torch import Tensor

from landscape_cli.geometry.blocks import CHUNK
from landscape_cli.geometry.directions.base import Fill

AHEAD = 2 * CHUNK
SHARE = 1 / 32
"""Entries drawn ahead: so many, or this part of the parameters if that is more."""

FEW = 1 << 12
"""So few entries are drawn at once, as handing them to a thread takes as long."""


@dataclass
class Source:
    """One parameter's entries of one direction, drawn block by block.

    Args:
        fill: fills a flat tensor with the next entries.
        last: the drawing of the block before.
    """

    fill: Fill
    last: Future[None] | None = None


class Drawing:
    """Draws blocks ahead of their use; several at once if they are of different sources.

    Nothing but drawing is done on the threads: sums depend on how many there are.

    Args:
        parameters: how many entries a direction has, of which a small part is drawn ahead.
        threads: how many threads; with 1 no other than the caller's.
    """

    def __init__(self, parameters: int, threads: int) -> None:
        self._ahead = max(AHEAD, int(SHARE * parameters))
        self._pool = ThreadPoolExecutor(threads, "draw") if threads > 1 else None

    def drawn(self, wanted: Iterable[tuple[Source, Tensor]]) -> Iterator[Tensor]:
        """Fill tensors with the next entries of their sources, and give them in order."""
        waiting: deque[tuple[Tensor, Future[None] | None]] = deque()
        entries = 0
        for source, out in wanted:
            waiting.append((out, self._begin(source, out)))
            entries += len(out)
            while entries > self._ahead or (self._pool is None and waiting):
                first = _finished(waiting)
                entries -= len(first)
                yield first
        while waiting:
            yield _finished(waiting)

    def _begin(self, source: Source, out: Tensor) -> Future[None] | None:
        if self._pool is None or (source.last is None and len(out) < FEW):
            source.fill(out)
            return None
        source.last = self._pool.submit(_after, source.last, source.fill, out)
        return source.last


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
