"""The work that the ranks of a run are doing, and the line that is said when one stands still."""

from __future__ import annotations

import time

from landscape_cli.parallel.activity import Report
from landscape_cli.parallel.executor import Executor
from landscape_cli.records.grid import coordinates_text
from landscape_cli.run.recording import Recording
from landscape_cli.util.logs import tell

STILL = 30.0
"""Seconds after which a rank stands still, unless its tiles are known to take long."""

USUAL = 3.0
"""Multiple of a tile's expected duration after which its rank stands still."""

AGAIN = 60.0
"""Seconds after which the same line is repeated."""

REPORTED, FORGOTTEN = 10.0, 15.0
"""Seconds after which a rank reports to rank 0 what it is doing, and rank 0 forgets it."""


class Standing:
    """Rank 0's knowledge of what every rank is doing.

    Args:
        executor: the ranks.
    """

    def __init__(self, executor: Executor) -> None:
        self.recording: Recording | None = None
        self._executor = executor
        self._heard: dict[int, tuple[Report, float]] = {}
        self._said, self._said_at = (-1, ""), float("-inf")

    def hear(self, report: Report) -> None:
        """Remember what a rank said."""
        self._heard[report.rank] = report, time.monotonic()

    def speak(self) -> None:
        """Say which rank has stood still for longest, if there is one."""
        standing = [one for one in self._reports() if one.seconds >= self._patience(one.rank)]
        if not standing:
            return
        longest = max(standing, key=_seconds)
        same = (longest.rank, longest.what) == self._said
        now = time.monotonic()
        if now - self._said_at >= (AGAIN if same else STILL):
            self._said, self._said_at = (longest.rank, longest.what), now
            tell(_text(longest) + _others(len(standing) - 1))

    def longest(self) -> str:
        """Describe the rank that has been at the same for longest; empty if none is known."""
        found = self._reports()
        return _text(max(found, key=_seconds)) if found else ""

    def _reports(self) -> list[Report]:
        """Return what every rank is doing, as far as it is known and has lasted."""
        now = time.monotonic()
        hosts, what = self._executor.hosts, self._executor.activity.look()
        found = {0: Report(0, hosts[0], *what)} if what[0] else {}
        for rank, (tile, begun) in list(self._executor.busy.items()):
            if rank and now - begun >= REPORTED:
                first = coordinates_text(tile.coordinates[0])
                found[rank] = Report(rank, hosts[rank], f"in the tile from {first}", now - begun)
        for rank, (report, heard) in self._heard.items():
            if report.what and now - heard < FORGOTTEN:
                found[rank] = report
        return list(found.values())

    def expected(self, rank: int) -> float:
        """Seconds that a rank's tile is expected to take; 0 if that is not known."""
        if self.recording is None or rank not in self._executor.busy:
            return 0.0
        speed = self.recording.speed(rank)
        return len(self._executor.busy[rank][0].indices) / speed if speed else 0.0

    def _patience(self, rank: int) -> float:
        return max(STILL, USUAL * self.expected(rank))


def _seconds(report: Report) -> float:
    return report.seconds


def _text(report: Report) -> str:
    return f"rank {report.rank} on {report.host} has been {report.what} for {report.seconds:.0f} s"


def _others(number: int) -> str:
    if number == 0:
        return ""
    return f"; so {'has 1 other rank' if number == 1 else f'have {number} other ranks'}"
