"""Tests of rank 0's dispatching to a pool of workers, without MPI."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from landscape_cli.parallel import mpi
from landscape_cli.parallel.tile_scheduler import Tiling
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import TileResult

GRID = Grid({"x": Axis(0, 1, 50), "y": Axis(0, 1, 40)})


def work(tile):
    """Return a result whose rank tells the thread that computed it."""
    name = threading.current_thread().name
    rank = 0 if name == "MainThread" else 1 + int(name.rpartition("_")[2])
    each = np.full(len(tile.indices), 0.1, np.float32)
    return TileResult(tile.indices, {}, {}, each, rank)


class Asking(Tiling):
    """A tiling that records the ranks for which tiles are taken."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.asked = []

    def take(self, rank=0):
        self.asked.append(rank)
        return super().take(rank)


@pytest.mark.parametrize("size", [2, 5, mpi.COMPUTES_BELOW])
def test_every_point_comes_back_once_and_every_rank_gets_tiles(size, monkeypatch):
    monkeypatch.setattr(mpi, "_work", work)
    source = Asking(GRID, np.arange(GRID.total), size)
    with ThreadPoolExecutor(4) as pool:
        results = list(mpi._Dispatch(pool, source, range(size)).results(work))
    assert sorted(i for r in results for i in r.indices) == list(range(GRID.total))
    assert set(range(1, size)) <= set(source.asked)


@pytest.mark.parametrize("computes", [True, False])
def test_rank_0_computes_unless_there_are_many_ranks(computes, monkeypatch):
    monkeypatch.setattr(mpi, "_work", work)
    size = mpi.COMPUTES_BELOW - computes
    source = Asking(GRID, np.arange(GRID.total), size)
    with ThreadPoolExecutor(1) as pool:
        results = list(mpi._Dispatch(pool, source, range(size)).results(work))
    assert (0 in source.asked) == computes
    assert any(result.rank == 0 for result in results) <= computes
