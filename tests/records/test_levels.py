from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.records.levels import (
    axis_levels,
    coarse_to_fine,
    finest_complete,
    level_of_points,
)

points = st.integers(1, 400)
shapes = st.one_of(
    st.tuples(points),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 14), st.integers(1, 14), st.integers(1, 14)),
)


@given(st.integers(1, 3000))
def test_levels_of_an_axis_are_nested_and_even_up_to_rounding(points):
    levels = axis_levels(points)
    assert levels[-1].tolist() == list(range(points))
    assert len(levels[0]) <= 7
    for level in levels:
        assert (level[0], level[-1]) == (0, points - 1)
        gaps = np.diff(level)
        if len(gaps):
            assert gaps.min() >= 1
            assert gaps.max() - gaps.min() <= 1
    for coarse, fine in pairwise(levels):
        assert set(coarse.tolist()) < set(fine.tolist())
        assert len(fine) <= 2 * len(coarse) - 1


@given(st.integers(0, 1500))
def test_levels_of_an_odd_axis_contain_its_middle_and_are_symmetric(half):
    for level in axis_levels(2 * half + 1):
        assert half in level
        assert (2 * half - level[::-1]).tolist() == level.tolist()


@pytest.mark.parametrize(
    ("points", "sizes"),
    [
        (1, [1]),
        (2, [2]),
        (7, [7]),
        (8, [5, 8]),
        (31, [5, 9, 17, 31]),
        (41, [7, 13, 25, 41]),
        (50, [5, 9, 17, 33, 50]),
        (51, [5, 9, 17, 33, 51]),
        (65, [5, 9, 17, 33, 65]),
        (97, [7, 13, 25, 49, 97]),
    ],
)
def test_the_coarsest_level_has_few_points_and_each_has_about_twice_as_many(points, sizes):
    assert [len(level) for level in axis_levels(points)] == sizes


@pytest.mark.parametrize("points", [4 * 2**5 + 1, 6 * 2**4 + 1])
def test_gaps_are_equal_where_possible(points):
    for level in axis_levels(points):
        assert len(set(np.diff(level).tolist())) == 1


@given(shapes)
def test_a_level_of_a_grid_is_the_product_of_its_axes_levels(shape):
    axes = [axis_levels(n) for n in shape]
    number = level_of_points(shape)
    assert number.shape == shape
    assert number.max() == max(map(len, axes)) - 1
    for level in range(number.max() + 1):
        product = np.zeros(shape, bool)
        product[np.ix_(*(found[min(level, len(found) - 1)] for found in axes))] = True
        np.testing.assert_array_equal(product, number <= level)


@given(shapes, st.randoms(use_true_random=False))
def test_every_point_is_ordered_once_by_level_and_then_by_index(shape, random):
    total = int(np.prod(shape))
    todo = np.array(random.sample(range(total), random.randint(0, total)), np.int64)
    order = coarse_to_fine(shape, todo)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == sorted(todo.tolist())
    keys = list(zip(level_of_points(shape).ravel()[order].tolist(), order.tolist(), strict=True))
    assert keys == sorted(keys)


@given(shapes, st.integers(2, 4))
def test_repeats_are_on_the_same_levels_and_their_coarse_points_come_first(shape, repeats):
    shape = shape[-2:]
    plain = level_of_points(shape)
    levels = level_of_points((repeats, *shape), repeated=True)
    assert levels.shape == (repeats, *shape)
    assert (levels == plain).all()
    order = coarse_to_fine((repeats, *shape), np.arange(levels.size), repeated=True)
    assert sorted(order.tolist()) == list(range(levels.size))
    keys = list(zip(levels.ravel()[order].tolist(), order.tolist(), strict=True))
    assert keys == sorted(keys)


@given(shapes, st.floats(0, 1))
def test_all_levels_before_the_current_one_are_complete_at_any_moment(shape, fraction):
    total = int(np.prod(shape))
    order = coarse_to_fine(shape, np.arange(total))
    count = min(int(fraction * total), total - 1)
    done = np.zeros(shape, bool)
    done.ravel()[order[:count]] = True
    found = finest_complete(done)
    current = int(level_of_points(shape).ravel()[order[count]])
    if current == 0:
        assert found is None
    else:
        assert done[np.ix_(*found)].all()
        wanted = [levels[min(current, len(levels)) - 1] for levels in map(axis_levels, shape)]
        assert [list(indices) for indices in found] == [list(indices) for indices in wanted]


@given(shapes, st.data())
def test_a_missing_point_makes_its_level_and_finer_ones_incomplete(shape, data):
    done = np.ones(shape, bool)
    assert [len(indices) for indices in finest_complete(done)] == list(shape)
    index = data.draw(st.integers(0, done.size - 1))
    done.ravel()[index] = False
    found = finest_complete(done)
    if found is None:
        assert level_of_points(shape).ravel()[index] == 0
    else:
        assert done[np.ix_(*found)].all()
