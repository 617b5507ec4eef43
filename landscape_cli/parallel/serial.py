"""Executor that evaluates every tile in this process, without MPI."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.parallel.activity import Activity, Report
from landscape_cli.parallel.executor import Arrived, Result, TileSource, Work, ignore
from landscape_cli.parallel.group import Group, refuse_size
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.tiles import Tile, TileResult


class SerialExecutor:
    """Evaluates every tile in this process."""

    rank = 0
    size = 1
    local_rank = 0
    group: Group | None = None
    models = 1

    def __init__(self) -> None:
        self.stop = Stop()
        self.activity = Activity()
        self.hosts = [socket.gethostname()]
        self.busy: dict[int, tuple[Tile, float]] = {}

    def divide(self, size: int) -> None:
        """Refuse groups of more than this rank."""
        refuse_size(size, 1)

    def lead(self, function: Callable[[], Result]) -> Result:
        """Call the function."""
        return function()

    def together(self, function: Callable[[], Result]) -> Result:
        """Call the function."""
        return function()

    def gather(self, value: Result) -> list[Result]:
        """Return the only rank's value in a list."""
        return [value]

    def share(self, array: NDArray[np.uint8]) -> None:
        """Do nothing: there are no other ranks."""

    def collect(
        self, values: NDArray[np.float64], sizes: Sequence[int]
    ) -> list[NDArray[np.float64]]:
        """Return the only rank's values in a list."""
        return [values]

    def run(
        self, source: TileSource, work: Work, arrived: Arrived = ignore
    ) -> Iterator[TileResult]:
        """Evaluate the tiles one after the other."""
        while (tile := source.take()) is not None:
            self.busy[0] = tile, time.monotonic()
            result = work(tile)
            del self.busy[0]
            source.returned(result)
            arrived(result)
            yield result

    def report(self, report: Report, last_within: float = 0.0) -> None:
        """Do nothing: this is rank 0."""

    def reports(self) -> list[Report]:
        """Return nothing: there are no other ranks."""
        return []

    def threads(self) -> str:
        """Return an empty string: there is no MPI."""
        return ""

    def describe(self) -> dict[str, Any]:
        """Return one rank and no MPI library."""
        return {"size": 1, "library": None}
