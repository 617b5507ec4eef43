"""Repeats of surfaces, compared with results computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.repeats import key_of, mean_surface, one_repeat, spread

LOSS = ("train", "loss")


def surface(values, status=None, **facts):
    """Make a surface over x, or x and y, with repeats along the first dimension of the values."""
    repeats, *shape = np.shape(values)
    return builders.surface(
        values,
        *(Axis(0, points - 1, points) for points in shape[::-1]),
        repeats=repeats,
        status=status,
        stderr=lambda array: 0.1 * np.abs(array),
        seconds=1.0,
        provenance=facts,
    )


def test_the_spread_is_the_standard_deviation_at_each_point():
    # Deviations of two values are |a - b| / sqrt(2): 0, sqrt(2), sqrt(8).
    found = spread(surface([[[1, 2, 3]], [[1, 4, 7]]]), LOSS)
    assert found["mean"] == pytest.approx((2 + 4) / np.sqrt(2) / 3)
    assert found["largest"] == pytest.approx(np.sqrt(8))
    assert found["largest_at"] == [2, 0]
    assert found["points"] == 3


def test_the_spread_leaves_out_points_that_are_not_finite_in_some_repeat():
    found = spread(surface([[1, np.inf, 3], [1, 4, np.nan]]), LOSS)
    assert found == {"mean": 0, "largest": 0, "largest_at": [0], "points": 1}
    nothing = spread(surface([[np.nan], [1]]), LOSS)
    assert nothing == {"mean": None, "largest": None, "largest_at": None, "points": 0}


def test_one_repeat_is_a_surface_of_its_own():
    directions = {key_of(n, a): {"label": f"{a}{n}"} for n in (0, 1) for a in "xy"}
    both = surface([[[1, 2]], [[3, np.nan]]], directions=directions, more=3)
    one = one_repeat(both, 1)
    assert one.grid == Grid({"x": Axis(0, 1, 2), "y": Axis(0, 0, 1)})
    np.testing.assert_array_equal(one.values[LOSS], [[3, np.nan]])
    np.testing.assert_array_equal(one.stderr[LOSS], 0.1 * one.values[LOSS])
    assert one.status.tolist() == [[1, 2]]
    assert one.seconds.shape == one.rank.shape == (1, 2)
    assert one.provenance == {"directions": {"x": {"label": "x1"}, "y": {"label": "y1"}}, "more": 3}
    assert one_repeat(both, 0).provenance["directions"]["x"] == {"label": "x0"}
    for number in (-1, 2):
        with pytest.raises(UsageError, match=f"repeat {number}: there are 2"):
            one_repeat(both, number)


def test_checkpoints_and_paths_belong_to_the_first_repeat_only():
    both = surface([[1, 2], [3, 4]], checkpoints=[1], trajectory={"a": 2}, runs=[3])
    assert one_repeat(both, 0).provenance == both.provenance
    assert one_repeat(both, 1).provenance == mean_surface(both).provenance == {"runs": [3]}


@pytest.mark.parametrize("directions", [None, 3, {}, {"repeat1/x": 4}])
def test_damaged_provenance_is_no_error(directions):
    one_repeat(surface([[1], [2]], directions=directions), 1)


def test_a_mean_is_known_where_every_repeat_is():
    kinds = [[1, 1, 1, 1, 2], [1, 0, 3, 2, 0]]
    mean = mean_surface(surface([[1, 2, np.nan, 4, np.inf], [2, np.nan, 1, np.nan, 3]], kinds))
    assert mean.grid == Grid({"x": Axis(0, 4, 5)})
    np.testing.assert_array_equal(mean.values[LOSS], [1.5, np.nan, np.nan, np.nan, np.inf])
    assert mean.status.tolist() == [1, 0, 3, 2, 0]
    assert mean.stderr == {}
    assert mean.seconds.tolist() == [2] * 5


def test_without_repeats_nothing_changes():
    plain = one_repeat(surface([[1, 2], [3, 4]]), 0)
    assert mean_surface(plain) is one_repeat(plain, 0) is plain


@given(st.integers(0, 99), st.integers(0, 99))
def test_directions_have_names_of_their_own(one, other):
    assert (key_of(one, "x") == key_of(other, "x")) == (one == other)
