"""Draws of held-out points, and the bound that they give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.refinement.held_out import bound_beyond, draw


@given(st.integers(0, 3000), st.integers(1, 9000), st.integers(0, 3))
def test_a_draw_is_some_of_the_candidates_the_same_each_time(count, total, doublings):
    candidates = np.arange(count) * 3
    found = draw(candidates, total, (0, doublings), doublings)
    assert (np.diff(found) > 0).all()
    assert set(found) <= set(candidates)
    assert len(found) <= min(128 << doublings, max(1, count // 4))
    assert len(found) == min(
        count, max(1, count // 4), max(16, min(128, total // 100)) << doublings
    )
    np.testing.assert_array_equal(found, draw(candidates, total, (0, doublings), doublings))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_that_many_good_points_are_as_improbable_as_the_draw_may_err(number):
    bound = bound_beyond(30, number)
    assert (1 - bound) ** 30 == pytest.approx(0.05 / 2 ** (number + 1))
    assert bound_beyond(0, number) == 0
