import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.execution.serial import SerialExecutor
from landscape_cli.execution.tiling import Tiling
from landscape_cli.records import Axis, Grid, TileResult

GRID = Grid({"x": Axis(0, 1, 40), "y": Axis(0, 1, 30)})


def finish(tile, seconds):
    return TileResult(tile.indices, {}, {}, np.full(len(tile.indices), seconds, np.float32))


@given(
    st.lists(st.integers(0, GRID.total - 1), unique=True, max_size=300),
    st.integers(1, 9),
    st.floats(1e-6, 10),
)
def test_every_point_is_given_out_once_whatever_it_takes(todo, ranks, seconds):
    tiling = Tiling(GRID, np.array(todo, np.int64), ranks)
    given_out = []
    for result in SerialExecutor().run(tiling, lambda tile: finish(tile, seconds)):
        given_out += result.indices
    assert given_out == todo
    assert tiling.take() is None


def test_tiles_hold_the_coordinates_of_their_points():
    tile = Tiling(GRID, np.array([0, 1199]), 1).take()
    assert tile.coordinates == GRID.coordinates(tile.indices)


def test_tiles_grow_to_about_a_second_and_shrink_towards_the_end():
    tiling = Tiling(GRID, np.arange(1200), 2)
    sizes = []
    while (tile := tiling.take()) is not None:
        sizes.append(len(tile.indices))
        tiling.returned(finish(tile, 0.05))
    assert sizes[0] == 1
    assert 18 <= max(sizes) <= 20
    assert sizes[-1] == 1
    assert sizes[1:] == sorted(sizes[1:], reverse=True)
