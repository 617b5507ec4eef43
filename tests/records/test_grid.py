import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis, Grid, coordinates_text

numbers = st.floats(-1e12, 1e12, allow_nan=False)
axes = st.builds(
    lambda low, width, points: Axis(low, low if points == 1 else low + width, points),
    numbers,
    st.floats(0.1, 1e12),
    st.integers(1, 60),
)


@given(axes)
def test_a_range_survives_formatting_and_parsing(axis):
    assert Axis.parse(str(axis)) == axis


@given(axes)
def test_coordinates_increase_from_end_to_end(axis):
    coordinates = axis.coordinates
    assert coordinates.shape == (axis.points,)
    assert coordinates[0] == axis.low
    assert coordinates[-1] == axis.high
    assert np.all(np.diff(coordinates) > 0)
    expected = np.linspace(axis.low, axis.high, axis.points)
    scale = max(abs(axis.low), abs(axis.high))
    np.testing.assert_allclose(coordinates, expected, rtol=0, atol=6e-16 * scale)  # both round


@given(st.floats(1e-3, 1e6), st.integers(1, 300))
def test_a_symmetric_range_contains_an_exact_zero(high, half):
    coordinates = Axis(-high, high, 2 * half + 1).coordinates
    assert coordinates[half] == 0
    np.testing.assert_array_equal(coordinates, -coordinates[::-1])


@given(
    st.integers(-1000, -1), st.integers(1, 1000), st.sampled_from([0.01, 0.02, 0.1, 0.3, 0.7, 1e-7])
)
def test_a_range_with_a_point_at_zero_contains_an_exact_zero(below, above, step):
    coordinates = Axis(below * step, above * step, above - below + 1).coordinates
    assert coordinates[-below] == 0
    assert np.count_nonzero(coordinates) == above - below


@pytest.mark.parametrize(
    "text",
    ["1:0:5", "0:1:1", "0:0:5", "a:b:c", "0:1:0", "0:1:-3", "0:1:2.5", "0:1", "0:1:2:3", "", ":::"]
    + ["nan:1:3", "-inf:1:3", "0:1:9999999999999", "-1e308:1e308:3", "1e9:1.0000000000000002e9:9"],
)
def test_malformed_ranges_are_refused_by_name(text):
    with pytest.raises(UsageError, match="range"):
        Axis.parse(text)


@given(st.text(max_size=20))
def test_any_text_is_a_range_or_refused(text):
    try:
        axis = Axis.parse(text)
    except UsageError:
        return
    assert axis.points >= 1


@given(st.lists(axes, min_size=1, max_size=3), st.data())
def test_index_and_coordinates_agree(some, data):
    grid = Grid(dict(zip("xyz", some, strict=False)))
    index = data.draw(st.integers(0, grid.total - 1))
    (point,) = grid.coordinates([index])
    assert grid.nearest(point) == index
    place = np.unravel_index(index, grid.shape)
    assert point == tuple(
        axis.coordinates[i] for axis, i in zip(some, reversed(place), strict=True)
    )


def test_rows_are_y_and_columns_are_x():
    grid = Grid({"x": Axis(0, 3, 4), "y": Axis(0, 20, 3)})
    assert grid.shape == (3, 4)
    assert grid.coordinates([0, 1, 4, 11]) == ((0, 0), (1, 0), (0, 10), (3, 20))


@given(st.lists(axes, min_size=1, max_size=3), st.integers(2, 5), st.data())
def test_repeats_are_the_first_dimension_and_the_last_coordinate(some, repeats, data):
    plain = Grid(dict(zip("xyz", some, strict=False)))
    grid = Grid(plain.axes, repeats)
    assert grid.shape == (repeats, *plain.shape)
    assert grid.total == repeats * plain.total == int(np.prod(grid.shape))
    index = data.draw(st.integers(0, grid.total - 1))
    (point,) = grid.coordinates([index])
    number, rest = divmod(index, plain.total)
    assert point == (*plain.coordinates([rest])[0], number)
    assert grid.nearest(point) == index


def test_a_grid_s_origin_and_corners():
    axes = {"x": Axis(-1, 2, 3), "y": Axis(0, 5, 2)}
    places = [(-1, 0), (-1, 5), (2, 0), (2, 5)]
    assert (Grid(axes).origin, Grid(axes).corners()) == ((0, 0), places)
    assert Grid(axes, 2).origin == (0, 0, 0)
    assert Grid(axes, 2).corners() == [(*p, r) for r in (0, 1) for p in places]
    with pytest.raises(UsageError, match="repeats: got 0"):
        Grid(axes, 0)


def test_points_as_text():
    assert coordinates_text((0.5, -1.0, 2.0)) == "(0.5, -1, 2)"
    assert coordinates_text((0.5, -1.0, 2.0), repeated=True) == "(0.5, -1) of repeat 2"


@pytest.mark.parametrize("names", [(), ("y",), ("y", "x"), ("x", "z"), ("x", "y", "w")])
def test_axes_have_their_names_in_order(names):
    with pytest.raises(UsageError, match="axes must be"):
        Grid({name: Axis(0, 1, 2) for name in names})


def test_grids_too_large_to_store_are_refused():
    with pytest.raises(UsageError, match="points are more than"):
        Grid({"x": Axis(0, 1, 10**6), "y": Axis(0, 1, 10**6)})
