"""The ranks of an MPI job; the only module that imports mpi4py."""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError, RankError, UsageError
from landscape_cli.parallel.executor import OtherRankError, Result, TileSource, Work
from landscape_cli.parallel.mpi_vendor import shorten_addresses
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.tiles import Tile, TileResult

logger = logging.getLogger(__name__)

COMPUTES_BELOW = 256
"""From so many ranks on rank 0 hands out tiles and collects results, but computes none itself.

Its computing makes every message wait for Python's lock: 0.2 ms next to PyTorch, 20 ms next to a
problem that computes in Python; and results lie until its tile is done. At 256 ranks that costs
about as much as the one rank brings (docs/benchmarks.md)."""

POLL = 0.004
"""Seconds for which rank 0's dispatching thread sleeps at most while it waits for one worker.

Each look for messages takes it 0.04 ms, which rank 0's own tile then lacks; a result that lies
meanwhile keeps its worker waiting. With two ranks and tiles of a second the sum is near its
smallest here, and with more workers at this over the square root of their number."""

_Answer = tuple[TileResult, str | None]
"""A tile's result, and why the worker was asked to stop if it was."""

CHUNK = 1 << 30
PAUSE = 0.01

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
        self.local_rank: int = self._comm.Split_type(MPI.COMM_TYPE_SHARED).Get_rank()

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
        """Run a function on every rank, and give each its own result once all have succeeded."""
        failure: LandscapeError | None = None
        outcome: Any = None
        try:
            outcome = function()
        except LandscapeError as error:
            failure = error
            if self.rank:
                failure.args = (f"rank {self.rank} on {socket.gethostname()}: {error}",)
        self._meet()
        for first in self._comm.allgather(failure):
            if first is not None:
                _collective(first)
                raise first if self.rank == 0 else OtherRankError(first.exit_code)
        return cast(Result, outcome)

    def gather(self, value: Result) -> list[Result]:
        """Give every rank the values of all ranks, in order of rank."""
        return self._comm.allgather(value)

    def share(self, array: NDArray[np.uint8]) -> None:
        """Overwrite each rank's contiguous bytes with those of rank 0."""
        for start in range(0, array.size, CHUNK):
            self._comm.Bcast(array[start : start + CHUNK])

    def run(self, source: TileSource, work: Work) -> Iterator[TileResult]:
        """Evaluate all tiles; rank 0 gets the results as they come, the others none."""
        from mpi4py.futures import MPICommExecutor

        global _work, _stop
        _work, _stop = work, self.stop
        backoff = POLL / math.sqrt(max(1, self.size - 1))
        with MPICommExecutor(self._comm, root=0, backoff=backoff) as pool:
            if pool is not None:
                yield from _Dispatch(pool, source, self.size, self.stop).results(work)

    def describe(self) -> dict[str, Any]:
        """The number of ranks, and the MPI library's first words about itself."""
        library = self._mpi.Get_library_version().strip("\0 \n").splitlines()[0]
        return {"size": self.size, "library": " ".join(library.split())}

    def threads(self) -> str:
        """The level of thread support that MPI gives, such as MPI_THREAD_MULTIPLE."""
        names = ("SINGLE", "FUNNELED", "SERIALIZED", "MULTIPLE")
        levels = {getattr(self._mpi, f"THREAD_{name}"): f"MPI_THREAD_{name}" for name in names}
        return levels[self._mpi.Query_thread()]

    def _meet(self) -> None:
        """Wait for every rank without keeping a core busy, as MPI's own waiting does."""
        request = self._comm.Ibarrier()
        while not request.Test():
            time.sleep(PAUSE)


def _collective(error: LandscapeError | None) -> LandscapeError | None:
    """Mark an error as one that every rank knows of."""
    if error is not None:
        error.collective = True
    return error


class _Dispatch:
    """Keeps the workers fed from the pool's own thread, while rank 0 computes in the main one.

    Each worker has one tile at a time. More would only wait on rank 0, since the pool sends a
    worker its next task when the result of the last one is there; and so the tile that is cut in
    the moment a result comes goes to the rank that sent it, and can be cut to that rank's speed.
    """

    def __init__(self, pool: Any, source: TileSource, size: int, stop: Stop | None = None) -> None:
        self._pool = pool
        self._stop = stop or Stop()
        self._source = source
        self._size = size
        self._finished: SimpleQueue[Future[_Answer]] = SimpleQueue()
        self._outstanding = 0
        self._lock = threading.Lock()

    def results(self, work: Work) -> Iterator[TileResult]:
        for rank in range(1, self._size):
            self._submit(rank)
        while True:
            while not self._finished.empty():
                yield self._collect()
            tile = self._source.take(0) if self._size < COMPUTES_BELOW else None
            if tile is not None:
                result = work(tile)
                self._source.returned(result)
                yield result
            elif self._outstanding:
                yield self._collect()
            else:
                return

    def _submit(self, rank: int) -> None:
        """Hand out one more tile, if there is one, that suits a rank."""
        tile = self._source.take(rank)
        if tile is not None:
            with self._lock:
                self._outstanding += 1
            self._pool.submit(_compute, tile).add_done_callback(self._done)

    def _done(self, future: Future[_Answer]) -> None:
        """Runs in the pool's thread, which swallows what is raised here."""
        try:
            if future.exception() is None:
                result, reason = future.result()
                if reason is not None:
                    self._stop.ask(reason)
                self._source.returned(result)
                self._submit(result.rank)
        except BaseException as error:
            future = Future()
            future.set_exception(error)
        self._finished.put(future)

    def _collect(self) -> TileResult:
        """Wait for a finished tile; raise what a worker raised."""
        result, _ = self._finished.get().result()
        with self._lock:
            self._outstanding -= 1
        return result


def _compute(tile: Tile) -> _Answer:
    """Runs on a worker, with the work that its ``run`` was given."""
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
