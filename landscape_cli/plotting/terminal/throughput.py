"""Rates of ranks, from a surface file read at several times."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

WINDOW = 60.0
"""Seconds before the last observation over which rates are taken."""

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Rate:
    """The rate of one rank.

    Args:
        rank: its number.
        points: number of points of the file it has computed.
        rate: points per second: recently, or with a single observation while it was computing.
    """

    rank: int
    points: int
    rate: float


class Throughput:
    """Estimates rates from successive observations of a surface that is being computed.

    The last two observations are always kept, even if the window contains only one.
    """

    def __init__(self) -> None:
        self._observations: deque[tuple[float, Counts]] = deque()
        self._seconds: NDArray[np.float64] = np.zeros(0)

    def see(self, surface: Surface, written: float) -> None:
        """Add an observation: a surface and the time it was written, in seconds of any clock."""
        computed = np.isin(surface.status, (Status.OK, Status.NOT_FINITE, Status.FAILED))
        ranks = surface.rank[computed & (surface.rank >= 0)]
        seconds = surface.seconds[computed & (surface.rank >= 0)].astype(np.float64)
        size = max(_ranks(surface), int(ranks.max(initial=-1)) + 1)
        self._seconds = np.asarray(np.bincount(ranks, seconds, minlength=size), np.float64)
        self._observations.append((written, np.bincount(ranks, minlength=size)))
        while len(self._observations) > 2 and written - self._observations[0][0] > WINDOW:
            self._observations.popleft()

    def rates(self) -> list[Rate]:
        """Return the rates of all ranks of the last run, and of any that computed points."""
        if not self._observations:
            return []
        (start, first), (end, last) = self._observations[0], self._observations[-1]
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
    """Return the number of ranks of the last run."""
    runs = surface.provenance.get("runs") or [{}]
    size = (runs[-1].get("mpi") or {}).get("size")
    return size if isinstance(size, int) else 0
