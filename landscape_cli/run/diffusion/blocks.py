"""Division of all pairs of checkpoints into pairs of blocks, and their order on each rank."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.parallel.tile_scheduler import HASTE
from landscape_cli.records.tiles import Tile, TileResult

PER_BLOCK = 128
"""Largest number of checkpoints in a block."""

FEWEST_BLOCKS = 8
"""Least number of blocks that there are checkpoints for, so that many ranks have work."""

BLOCK_BYTES = 1 << 30
"""Upper bound on a block's bytes, unless one checkpoint alone has more."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Blocks:
    """The blocks of a map's checkpoints, followed by those of further ones.

    They depend on the checkpoints alone: neither the ranks nor their memory change any product.

    Args:
        spans: numbers of each block's checkpoints, which count on from the map's to the further.
        own: number of blocks of the map.
    """

    spans: tuple[range, ...]
    own: int

    @classmethod
    def of(cls, counts: Sequence[int], further: Sequence[int], row_bytes: int) -> Blocks:
        """Divide checkpoints into blocks, each of one training.

        Args:
            counts: number of each training's.
            further: number of those of each further training.
            row_bytes: bytes of a checkpoint.
        """
        size = _size(sum(counts), row_bytes)
        own = _spans(0, counts, size)
        size = _size(sum(further), row_bytes)
        return cls((*own, *_spans(sum(counts), further, size)), len(own))

    @property
    def pairs(self) -> list[Pair]:
        """Pairs of the map's blocks, each once, and of further blocks with all of the map's."""
        first = [(i, j) for i in range(self.own) for j in range(i, self.own)]
        further = range(self.own, len(self.spans))
        return first + [(i, j) for i in range(self.own) for j in further]

    def size(self, pair: Pair) -> int:
        """Return the number of distances of a pair of blocks."""
        one, other = (len(self.spans[number]) for number in pair)
        return one * (one - 1) // 2 if pair[0] == pair[1] else one * other


class Resident:
    """The numbers of the blocks that a rank has in memory.

    Args:
        room: largest number of them, at least 2.
    """

    def __init__(self, room: int) -> None:
        self._room = max(2, room)
        self.numbers: list[int] = []
        """Those used last come last."""

    def use(self, pair: Pair) -> list[int]:
        """Take a pair into memory; return the numbers of the blocks that must make room for it."""
        for number in dict.fromkeys(pair[::-1]):
            if number in self.numbers:
                self.numbers.remove(number)
            self.numbers.append(number)
        leaving, self.numbers = self.numbers[: -self._room], self.numbers[-self._room :]
        return leaving


class PairSource:
    """Hands out pairs of blocks, so that each rank reads few blocks anew.

    A rank gets pairs of blocks that it has; else of one that it has with the most left to do; else
    of a block that no other rank has.

    Args:
        pairs: those to do.
        rooms: number of blocks that each rank has room for.
        stop: decides when to stop handing out.
    """

    def __init__(self, pairs: Iterable[Pair], rooms: Sequence[int], stop: Stop) -> None:
        self._left: dict[int, set[int]] = {}
        for one, other in pairs:
            self._left.setdefault(one, set()).add(other)
            self._left.setdefault(other, set()).add(one)
        self._ranks = [Resident(room) for room in rooms]
        self._stop, self._lock = stop, threading.Lock()
        self._slowest = 0.0
        self.failed = False

    @property
    def left(self) -> bool:
        """True if a pair was not handed out."""
        return any(self._left.values())

    def take(self, rank: int = 0) -> Tile | None:
        """Take the next pair for a rank; None when none is left, time is up or one has failed."""
        time = self._stop.left
        if self.failed or time <= 0 or time < self._slowest * HASTE:
            return None
        with self._lock:
            pair = self._choose(rank)
            if pair is None:
                return None
            one, other = pair
            self._left[one].discard(other)
            self._left[other].discard(one)
            self._ranks[rank].use(pair)
        return Tile(pair, ((float(one), float(other)),))

    def returned(self, result: TileResult) -> None:
        """Record how long a pair took, and whether it failed."""
        self._slowest = max(self._slowest, float(result.seconds.max()))
        self.failed = self.failed or bool(result.failures)

    def _choose(self, rank: int) -> Pair | None:
        here = self._ranks[rank].numbers
        for number in reversed(here):
            both = self._left.get(number, set()).intersection(here)
            if both:
                return _pair(number, min(both))
        most = max(reversed(here), key=self._count, default=None)
        if most is None or not self._count(most):
            most = self._begin(rank)
        if most is None:
            return None
        return _pair(most, self._partner(most, rank))

    def _begin(self, rank: int) -> int | None:
        """Choose a block with pairs left, if possible one that no other rank has."""
        waiting = [number for number, others in self._left.items() if others]
        taken = {n for other, each in enumerate(self._ranks) if other != rank for n in each.numbers}
        free = [number for number in waiting if number not in taken] or waiting
        return max(free, key=lambda number: (self._count(number), -number), default=None)

    def _partner(self, number: int, rank: int) -> int:
        """Choose a partner: the block itself, else one that will have the most left to do."""
        others = self._left[number]
        if number in others:
            return number
        return max(others, key=lambda one: (self._count(one), -one))

    def _count(self, number: int) -> int:
        return len(self._left.get(number, ()))


def _pair(one: int, other: int) -> Pair:
    return min(one, other), max(one, other)


def _size(count: int, row_bytes: int) -> int:
    """Return the number of checkpoints in a block."""
    return max(1, min(PER_BLOCK, -(-count // FEWEST_BLOCKS), BLOCK_BYTES // max(1, row_bytes)))


def _spans(first: int, counts: Sequence[int], size: int) -> list[range]:
    """Divide the checkpoints of each training, whose numbers begin with the first."""
    spans = []
    for count in counts:
        ends = range(first, first + count, size)
        spans += [range(start, min(start + size, first + count)) for start in ends]
        first += count
    return spans
