"""One process, no MPI."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.parallel.executor import Result, TileSource, Work
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.tiles import TileResult


class SerialExecutor:
    """Evaluates every tile in this process."""

    rank = 0
    size = 1
    local_rank = 0

    def __init__(self) -> None:
        self.stop = Stop()

    def lead(self, function: Callable[[], Result]) -> Result:
        """Call the function."""
        return function()

    def together(self, function: Callable[[], Result]) -> Result:
        """Call the function."""
        return function()

    def gather(self, value: Result) -> list[Result]:
        """The only value there is."""
        return [value]

    def share(self, array: NDArray[np.uint8]) -> None:
        """Do nothing: there is nobody to share with."""

    def run(self, source: TileSource, work: Work) -> Iterator[TileResult]:
        """Evaluate the tiles one after the other."""
        while (tile := source.take()) is not None:
            result = work(tile)
            source.returned(result)
            yield result

    def threads(self) -> str:
        """No MPI, no level."""
        return ""

    def describe(self) -> dict[str, Any]:
        """One rank, no library."""
        return {"size": 1, "library": None}
