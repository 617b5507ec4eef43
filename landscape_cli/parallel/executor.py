"""The contract of an executor: tiles in, results out, at rank 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.tiles import Tile, TileResult

Result = TypeVar("Result")

Work = Callable[[Tile], TileResult]


class TileSource(Protocol):
    """Gives out the tiles of a run; called from several threads."""

    def take(self, rank: int = 0) -> Tile | None:
        """The next tile, cut to suit a rank, or None when all are given out."""

    def returned(self, result: TileResult) -> None:
        """Learn how long a tile took."""


class Executor(Protocol):
    """The ranks of a run. Each method is called by every rank at the same place of the program."""

    rank: int
    size: int
    local_rank: int
    stop: Stop

    def lead(self, function: Callable[[], Result]) -> Result:
        """Run a function on rank 0 and give every rank its result.

        Raises:
            LandscapeError: what the function raised, on rank 0; ``OtherRankError`` elsewhere.
        """

    def together(self, function: Callable[[], Result]) -> Result:
        """Run a function on every rank, and give each its own result once all have succeeded.

        Raises:
            LandscapeError: the first rank's that failed, on rank 0; ``OtherRankError`` elsewhere.
        """

    def gather(self, value: Result) -> list[Result]:
        """Give every rank the values of all ranks, in order of rank."""

    def share(self, array: NDArray[np.uint8]) -> None:
        """Overwrite each rank's contiguous bytes with those of rank 0."""

    def run(self, source: TileSource, work: Work) -> Iterator[TileResult]:
        """Evaluate all tiles; rank 0 gets the results as they come, the others none.

        Every rank has to iterate to the end. Rank 0 computes as well, unless there are hundreds.
        A rank that is asked to stop passes that on to rank 0 with its result.
        """

    def threads(self) -> str:
        """The level of thread support that MPI gives; empty without MPI."""

    def describe(self) -> dict[str, Any]:
        """What a file should say of these ranks: how many there are, and the MPI library."""


class OtherRankError(LandscapeError):
    """An error that rank 0 reports; this rank ends without a word."""

    collective = True

    def __init__(self, exit_code: int) -> None:
        super().__init__("")
        self.exit_code = exit_code
