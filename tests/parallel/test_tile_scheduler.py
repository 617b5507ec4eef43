import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.parallel.tile_scheduler import Tiling, tile_seconds
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.tiles import TileResult

GRID = Grid({"x": Axis(0, 1, 40), "y": Axis(0, 1, 30)})
LARGE = Grid({"x": Axis(0, 1, 700), "y": Axis(0, 1, 700)})


def finish(tile, seconds, rank=0):
    each = np.full(len(tile.indices), seconds, np.float32)
    return TileResult(tile.indices, {}, {}, each, rank)


def play(tiling, points_take):
    """Simulate a tiling; return (begin, end, points) of each tile, by rank."""
    tiles = [[] for _ in points_take]
    running = []

    def start(rank, now):
        tile = tiling.take(rank)
        if tile is not None:
            end = now + len(tile.indices) * points_take[rank]
            tiles[rank].append((now, end, len(tile.indices)))
            heapq.heappush(running, (end, rank, tile))

    for rank in range(len(points_take)):
        start(rank, 0.0)
    while running:
        now, rank, tile = heapq.heappop(running)
        tiling.returned(finish(tile, points_take[rank], rank))
        start(rank, now)
    return tiles


def sizes_of(tiling):
    """Take all tiles in turn, of points that take 0.05 s, and return their numbers of points."""
    sizes = []
    while (tile := tiling.take()) is not None:
        sizes.append(len(tile.indices))
        tiling.returned(finish(tile, 0.05))
    return sizes


@given(
    st.lists(st.integers(0, GRID.total - 1), unique=True, max_size=300),
    st.integers(1, 9),
    st.floats(1e-6, 10),
)
def test_every_point_is_handed_out_once_for_any_durations(todo, ranks, seconds):
    tiling = Tiling(GRID, np.array(todo, np.int64), ranks)
    given_out = []
    for result in SerialExecutor().run(tiling, lambda tile: finish(tile, seconds)):
        given_out += result.indices
    assert given_out == todo
    assert tiling.take() is None


@given(st.integers(0, 1200), st.lists(st.floats(1e-4, 3), min_size=1, max_size=20))
def test_every_point_is_handed_out_once_for_any_speeds(total, points_take):
    tiling = Tiling(GRID, np.arange(total), len(points_take))
    tiles = play(tiling, points_take)
    assert sum(points for rank in tiles for _, _, points in rank) == total


@given(
    st.integers(2, 40),
    st.floats(0.001, 0.05),
    st.lists(st.sampled_from([1, 1, 2, 4]), min_size=40, max_size=40),
)
def test_all_ranks_end_at_about_the_same_time(ranks, seconds, slowness):
    points_take = [seconds * slow for slow in slowness[:ranks]]
    speed = sum(1 / one for one in points_take)
    total = int(10 * speed)
    tiles = play(Tiling(LARGE, np.arange(total), ranks), points_take)
    ends = [rank[-1][1] for rank in tiles]
    # One point on the slowest rank, plus the shortest tile that rank 0 hands out.
    assert max(ends) - min(ends) <= 2 * max(points_take) + 0.05
    assert max(ends) <= total / speed + 2 * max(points_take) + 0.05


def test_a_slow_rank_gets_fewer_points_rather_than_a_longer_tile():
    tiles = play(Tiling(GRID, np.arange(1200), 4), [0.01, 0.01, 0.01, 0.04])
    fast, slow = ([end - begin for begin, end, _ in tiles[rank]] for rank in (0, 3))
    assert max(slow) <= 1.01
    assert max(fast) >= 0.5
    assert sum(points for _, _, points in tiles[3]) == pytest.approx(1200 / 13, rel=0.1)


def test_tiles_hold_the_coordinates_of_their_points():
    tile = Tiling(GRID, np.array([0, 1199]), 1).take()
    assert tile.coordinates == GRID.coordinates(tile.indices)


def test_tiles_grow_to_about_a_second_and_shrink_towards_the_end():
    sizes = sizes_of(Tiling(GRID, np.arange(1200), 2))
    assert sizes[0] == 1
    assert 18 <= max(sizes) <= 20
    assert sizes[-1] == 1
    assert sizes[1:] == sorted(sizes[1:], reverse=True)


@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_that_evaluate_points_at_once_get_tiles_of_whole_rounds(ranks):
    sizes = sizes_of(Tiling(GRID, np.arange(50), ranks, at_once=3))
    assert sizes[0] == 3
    assert all(size % 3 == 0 for size in sizes[:-1])
    assert max(sizes) == (18 if ranks == 1 else 9)
    assert sum(sizes) == 50


def test_a_single_rank_with_points_at_once_takes_all_that_is_left():
    todo = np.arange(47)
    assert sizes_of(Tiling(GRID, todo, 1, at_once=2)) == [2, 18, 12, 15]
    assert sizes_of(Tiling(GRID, todo, 1))[-1] == 1
    assert sizes_of(Tiling(GRID, todo, 1, at_once=2, stop=Stop(1e6)))[-1] < 4


def test_a_rank_that_becomes_slow_gets_smaller_tiles_at_once():
    tiling = Tiling(GRID, np.arange(1200), 2)
    for seconds in (0.01, 0.01, 0.04, 0.04):
        tile = tiling.take(1)
        tiling.returned(finish(tile, seconds, 1))
    assert 20 <= len(tiling.take(1).indices) <= 35


@pytest.mark.parametrize(("ranks", "seconds"), [(1, 1), (64, 1), (1000, 1), (4096, 4.096)])
def test_tiles_last_longer_where_many_ranks_send_results_to_rank_0(ranks, seconds):
    assert tile_seconds(ranks) == pytest.approx(seconds)
