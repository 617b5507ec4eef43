"""How fast ranks compute, from what a surface file says at several times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

WINDOW = 60.0
"""Seconds back from the last look that a rate is taken over, if there are two looks in it."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Rate:
    """One rank.

    Args:
        rank: its number.
        points: how many points of the file it has computed.
        rate: points per second; lately, or where that is not known yet, while it computed.
    """

    rank: int
    points: int
    rate: float


class Throughput:
    """Learns from looks at a surface that grows."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, Counts]] = deque()
        self._seconds: NDArray[np.float64] = np.zeros(0)

    def see(self, surface: Surface, written: float) -> None:
        """Take in a surface as it was written at a time, in seconds of any clock."""
        computed = np.isin(surface.status, (Status.OK, Status.NOT_FINITE, Status.FAILED))
        ranks = surface.rank[computed & (surface.rank >= 0)]
        seconds = surface.seconds[computed & (surface.rank >= 0)].astype(np.float64)
        size = max(_ranks(surface), int(ranks.max(initial=-1)) + 1)
        self._seconds = np.asarray(np.bincount(ranks, seconds, minlength=size), np.float64)
        self._looks.append((written, np.bincount(ranks, minlength=size)))
        while len(self._looks) > 2 and written - self._looks[0][0] > WINDOW:
            self._looks.popleft()

    def rates(self) -> list[Rate]:
        """Every rank of the last run, and any that has computed points."""
        if not self._looks:
            return []
        (start, first), (end, last) = self._looks[0], self._looks[-1]
        before = np.zeros_like(last)
        before[: min(len(first), len(last))] = first[: len(last)]
        if end > start and (last >= before).all():
            rates = (last - before) / (end - start)
        else:
            took = np.where(self._seconds > 0, self._seconds, np.inf)
            rates = last / took
        pairs = zip(last.tolist(), rates.tolist(), strict=True)
        return [Rate(number, points, rate) for number, (points, rate) in enumerate(pairs)]


def _ranks(surface: Surface) -> int:
    """How many ranks the last run has."""
    runs = surface.provenance.get("runs") or [{}]
    return int((runs[-1].get("mpi") or {}).get("size", 0))
