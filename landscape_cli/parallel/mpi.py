"""The ranks of an MPI job; the only module that imports mpi4py."""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError, RankError, UsageError
from landscape_cli.parallel.activity import Activity, Report
from landscape_cli.parallel.executor import (
    Arrived,
    OtherRankError,
    Result,
    TileSource,
    Work,
    ignore,
)
from landscape_cli.parallel.group import CHUNK, Group, broadcast, meet, refuse_size
from landscape_cli.parallel.mpi_vendor import shorten_addresses
from landscape_cli.parallel.reports import Reports
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.tiles import Tile, TileResult

logger = logging.getLogger(__name__)

COMPUTES_BELOW = 256
"""Number of ranks from which rank 0 only hands out tiles and collects results.

If rank 0 computes, every message waits for Python's global lock: 0.2 ms beside PyTorch, 20 ms
beside a problem that computes in Python; and results wait until its tile is done. At 256 ranks this
costs about as much as one rank contributes (docs/benchmarks.md)."""

POLL = 0.004
"""Longest sleep in seconds of rank 0's dispatching thread between polls, with one worker.

Each poll takes 0.04 ms from rank 0's own tile, while a result that arrives during the sleep keeps
its worker waiting. With two ranks and tiles of a second, the total cost is near its minimum here;
with more workers, at this value divided by the square root of their number."""

_Answer = tuple[TileResult, str | None]
"""A tile's result, and the reason if the worker was asked to stop."""

_work: Work | None = None
_stop = Stop()


class MPIExecutor:
    """All ranks of MPI's world.

    Raises:
        UsageError: if mpi4py or its MPI library can't be loaded.
    """

    def __init__(self) -> None:
        shorten_addresses()
        try:
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise UsageError(
                "an MPI launcher started this process, but MPI can't be loaded "
                f"({error}): pip install 'landscape-cli[mpi]' to use this site's MPI library, or "
                "'landscape-cli[mpich]' for one with its own mpiexec"
            ) from None
        self._mpi = MPI
        self._comm = MPI.COMM_WORLD
        self.rank: int = self._comm.Get_rank()
        self.size: int = self._comm.Get_size()
        self.stop = Stop()
        self.activity = Activity()
        self.busy: dict[int, tuple[Tile, float]] = {}
        self.hosts: list[str] = self._comm.allgather(socket.gethostname())
        several = MPI.Query_thread() == MPI.THREAD_MULTIPLE
        self._reports = Reports(self._comm.Dup() if several else None)
        self.local_rank: int = self._comm.Split_type(MPI.COMM_TYPE_SHARED).Get_rank()
        self.group: Group | None = None
        self.models = self.size
        self._pool: Any = self._comm
        self._leaders = list(range(self.size))

    def divide(self, size: int) -> None:
        """Divide the ranks into groups of neighbours, each of which holds one model."""
        refuse_size(size, self.size)
        if size == (1 if self.group is None else self.group.size):
            return
        if size == 1:
            self.group, self.models = None, self.size
            self._pool, self._leaders = self._comm, list(range(self.size))
            return
        number, member = divmod(self.rank, size)
        ranks = range(number * size, (number + 1) * size)
        comm = self._comm.Split(number, member)
        self.group = Group(comm, ranks, [self.hosts[rank] for rank in ranks], self.activity)
        self.models = self.size // size
        self._leaders = list(range(0, self.size, size))
        self._pool = self._comm.Split(0 if member == 0 else self._mpi.UNDEFINED, number)

    def lead(self, function: Callable[[], Result]) -> Result:
        """Run a function on rank 0 and give every rank its result."""
        outcome: Any = None
        failure: LandscapeError | None = None
        if self.rank == 0:
            try:
                outcome = (function(), 0)
            except LandscapeError as error:
                failure = error
                outcome = (None, error.exit_code)
        self._meet()
        result, code = self._comm.bcast(outcome)
        if code:
            raise _collective(failure) or OtherRankError(code)
        return cast(Result, result)

    def together(self, function: Callable[[], Result]) -> Result:
        """Run a function on every rank, and return this rank's result once all have succeeded."""
        failure: LandscapeError | None = None
        outcome: Any = None
        try:
            outcome = function()
        except LandscapeError as error:
            failure = error
            if self.rank:
                failure.args = (f"rank {self.rank} on {socket.gethostname()}: {error}",)
        self._meet()
        for failed in self._comm.allgather(failure):
            if failed is not None:
                _collective(failed)
                raise failed if self.rank == 0 else OtherRankError(failed.exit_code)
        return cast(Result, outcome)

    def gather(self, value: Result) -> list[Result]:
        """Give every rank the values of all ranks, in rank order."""
        if self.group is not None:  # whose members may get orders until all are here
            self._meet()
        return self._comm.allgather(value)

    def share(self, array: NDArray[np.uint8]) -> None:
        """Overwrite every rank's array of contiguous bytes with rank 0's."""
        broadcast(self._comm, array)

    def collect(
        self, values: NDArray[np.float64], sizes: Sequence[int]
    ) -> list[NDArray[np.float64]]:
        """Give rank 0 the values of all ranks, in rank order, and the others an empty list."""
        self._meet()
        if self.rank:
            for part in _parts(values):
                self._comm.Send(part, 0)
            return []
        others = {rank: np.empty(size) for rank, size in enumerate(sizes) if rank}
        for rank, array in others.items():
            for part in _parts(array):
                self._comm.Recv(part, rank)
        return [values, *others.values()]

    def run(
        self, source: TileSource, work: Work, arrived: Arrived = ignore
    ) -> Iterator[TileResult]:
        """Evaluate all tiles; yield the results on rank 0, and none elsewhere."""
        from mpi4py.futures import MPICommExecutor

        global _work, _stop
        _work, _stop = work, self.stop
        if self.group is None or self.group.leads:
            backoff = POLL / math.sqrt(max(1, self.models - 1))
            with MPICommExecutor(self._pool, root=0, backoff=backoff) as pool:
                if pool is not None:
                    yield from _Dispatch(
                        pool, source, self._leaders, self.stop, arrived, self.busy
                    ).results(work)

    def report(self, report: Report, last_within: float = 0.0) -> None:
        """Send a report to rank 0, from any thread, if MPI supports that."""
        if last_within:
            self._reports.send_last(report, last_within)
        else:
            self._reports.send(report)

    def reports(self) -> list[Report]:
        """Return the reports that have arrived at rank 0; called by one thread."""
        return self._reports.receive()

    def describe(self) -> dict[str, Any]:
        """Return the number of ranks and the first line of the MPI library's version."""
        library = self._mpi.Get_library_version().strip("\0 \n").splitlines()[0]
        groups = {} if self.group is None else {"ranks_per_model": self.group.size}
        return {"size": self.size, "library": " ".join(library.split()), **groups}

    def threads(self) -> str:
        """Level of thread support that MPI provides, such as MPI_THREAD_MULTIPLE."""
        names = ("SINGLE", "FUNNELED", "SERIALIZED", "MULTIPLE")
        levels = {getattr(self._mpi, f"THREAD_{name}"): f"MPI_THREAD_{name}" for name in names}
        return levels[self._mpi.Query_thread()]

    def _meet(self) -> None:
        """Wait for every rank, and carry out the orders of its group's leader meanwhile."""
        meet(self._comm, self.activity, self.group)


def _parts(values: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Divide values into parts for one message each."""
    most = CHUNK // values.itemsize
    return (values[start : start + most] for start in range(0, values.size, most))


def _collective(error: LandscapeError | None) -> LandscapeError | None:
    """Mark an error as known to every rank."""
    if error is not None:
        error.collective = True
    return error


class _Dispatch:
    """Keeps the workers busy from the pool's own thread, while rank 0 computes in the main thread.

    Each worker has one tile at a time. More tiles would only wait on rank 0, because the pool sends
    a worker its next task when the result of the last one arrives. The tile cut at that moment goes
    to the rank that sent the result, so it can be sized for that rank's speed.
    """

    def __init__(
        self,
        pool: Any,
        source: TileSource,
        ranks: Sequence[int],
        stop: Stop | None = None,
        arrived: Arrived = ignore,
        busy: dict[int, tuple[Tile, float]] | None = None,
    ) -> None:
        self._pool = pool
        self._busy = {} if busy is None else busy
        self._stop = stop or Stop()
        self._arrived = arrived
        self._source = source
        self._ranks = ranks
        self._finished: SimpleQueue[Future[_Answer]] = SimpleQueue()
        self._outstanding = 0
        self._lock = threading.Lock()

    def results(self, work: Work) -> Iterator[TileResult]:
        for rank in self._ranks[1:]:
            self._submit(rank)
        while True:
            while not self._finished.empty():
                yield self._collect()
            tile = self._source.take(0) if len(self._ranks) < COMPUTES_BELOW else None
            if tile is not None:
                self._busy[0] = tile, time.monotonic()
                result = work(tile)
                del self._busy[0]
                self._source.returned(result)
                self._arrived(result)
                yield result
            elif self._outstanding:
                yield self._collect()
            else:
                return

    def _submit(self, rank: int) -> None:
        """Hand out the next tile, sized for a rank, if there is one."""
        tile = self._source.take(rank)
        if tile is not None:
            with self._lock:
                self._outstanding += 1
            self._busy[rank] = tile, time.monotonic()
            self._pool.submit(_compute, tile).add_done_callback(self._done)

    def _done(self, future: Future[_Answer]) -> None:
        """Handle a finished tile in the pool's thread, which swallows exceptions raised here."""
        try:
            if future.exception() is None:
                result, reason = future.result()
                if reason is not None:
                    self._stop.ask(reason)
                self._busy.pop(result.rank, None)
                self._source.returned(result)
                self._submit(result.rank)
                self._arrived(result)
        except BaseException as error:
            future = Future()
            future.set_exception(error)
        self._finished.put(future)

    def _collect(self) -> TileResult:
        """Wait for a finished tile; raise the worker's exception if it failed."""
        result, _ = self._finished.get().result()
        with self._lock:
            self._outstanding -= 1
        return result


def _compute(tile: Tile) -> _Answer:
    """Evaluate a tile on a worker, with the function passed to the worker's ``run``."""
    assert _work is not None
    try:
        return _work(tile), _stop.reason
    except BaseException as error:
        logger.exception("a tile failed")
        if isinstance(error, RankError):
            raise
        from mpi4py import MPI

        place = f"rank {MPI.COMM_WORLD.Get_rank()} on {socket.gethostname()}"
        point = coordinates_text(tile.coordinates[0])
        raise RankError(
            f"{place} failed in the tile that begins at {point}:\n{traceback.format_exc()}"
        ) from None
