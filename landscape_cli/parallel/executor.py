"""Interface of an executor: rank 0 hands out tiles and collects their results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError
from landscape_cli.parallel.activity import Activity, Report
from landscape_cli.parallel.group import Group
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.tiles import Tile, TileResult

Result = TypeVar("Result")

Work = Callable[[Tile], TileResult]

Arrived = Callable[[TileResult], None]
"""Called on rank 0 with each result as soon as it is there, by the thread that has received it."""


def ignore(result: TileResult) -> None:
    """Leave a result to whoever iterates over them."""


class TileSource(Protocol):
    """Hands out the tiles of a run; called from several threads."""

    def take(self, rank: int = 0) -> Tile | None:
        """Take the next tile, sized for a rank; None when no tile is left."""

    def returned(self, result: TileResult) -> None:
        """Record how long a tile took."""


class Executor(Protocol):
    """The ranks of a run. Every rank calls each method at the same point of the program."""

    rank: int
    size: int
    local_rank: int
    stop: Stop
    activity: Activity
    hosts: list[str]
    """The host of each rank."""
    busy: dict[int, tuple[Tile, float]]
    """On rank 0, the tile that each rank is computing, and the monotonic time of its start."""
    group: Group | None
    """The ranks that hold one model together with this one; None if each rank has its own."""
    models: int
    """Number of models, each on one rank or on a group of ranks."""

    def divide(self, size: int) -> None:
        """Divide the ranks into groups of neighbours, each of which holds one model.

        From then on only the first rank of each group gets tiles; the others carry out its orders
        whenever they wait for other ranks.

        Raises:
            UsageError: if the number of ranks is no multiple of the size.
        """

    def lead(self, function: Callable[[], Result]) -> Result:
        """Run a function on rank 0 and give every rank its result.

        Raises:
            LandscapeError: on rank 0, the function's error; ``OtherRankError`` on other ranks.
        """

    def together(self, function: Callable[[], Result]) -> Result:
        """Run a function on every rank, and return this rank's result once all have succeeded.

        Raises:
            LandscapeError: on rank 0, the error of the first rank that failed; ``OtherRankError``
                on other ranks.
        """

    def gather(self, value: Result) -> list[Result]:
        """Give every rank the values of all ranks, in rank order."""

    def share(self, array: NDArray[np.uint8]) -> None:
        """Overwrite every rank's array of contiguous bytes with rank 0's."""

    def collect(
        self, values: NDArray[np.float64], sizes: Sequence[int]
    ) -> list[NDArray[np.float64]]:
        """Give rank 0 the values of all ranks, in rank order, and the others an empty list.

        Args:
            values: of this rank, shape (n,), contiguous.
            sizes: the number n of each rank.
        """

    def run(
        self, source: TileSource, work: Work, arrived: Arrived = ignore
    ) -> Iterator[TileResult]:
        """Evaluate all tiles; yield the results on rank 0, and none elsewhere.

        Every rank has to iterate to the end. Rank 0 computes too, unless there are hundreds of
        ranks; it yields the results of others only when its own tile is done, but ``arrived`` is
        called at once. A rank that is asked to stop tells rank 0 together with its result.
        """

    def report(self, report: Report, last_within: float = 0.0) -> None:
        """Send a report to rank 0, from any thread, if MPI supports that.

        Args:
            report: the report; dropped while an earlier one is on its way, unless it is the last.
            last_within: if not 0, the seconds after which to give the last report up.
        """

    def reports(self) -> list[Report]:
        """Return the reports that have arrived at rank 0; called by one thread."""

    def threads(self) -> str:
        """Level of thread support that MPI provides; empty without MPI."""

    def describe(self) -> dict[str, Any]:
        """Describe the ranks for the file's provenance: their number and the MPI library."""


class OtherRankError(LandscapeError):
    """An error that rank 0 reports; this rank exits silently."""

    collective = True

    def __init__(self, exit_code: int) -> None:
        super().__init__("")
        self.exit_code = exit_code
