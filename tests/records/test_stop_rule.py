"""The standard error by which sampled points stop."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.records.stop_rule import StopRule, Target, mean_and_error


@given(st.integers(2, 40), st.integers(1, 1000), st.floats(-10, 10), st.floats(0.1, 5))
def test_symmetric_values_have_the_textbook_error_of_a_finite_population(pairs, more, mean, spread):
    values = mean + spread * np.concatenate([np.arange(1, pairs), -np.arange(1, pairs)])
    count = len(values)
    found, error = mean_and_error(values, count + more)
    textbook = values.std(ddof=1) / math.sqrt(count) * math.sqrt(1 - count / (count + more))
    assert found == pytest.approx(mean, abs=1e-9)
    assert error == pytest.approx(textbook, rel=1e-6)


def test_skewed_values_have_a_larger_error_by_the_stated_factor():
    values = np.array([1.0] * 15 + [9.0])
    deviations = values - values.mean()
    skewness = (deviations**3).mean() / (deviations**2).mean() ** 1.5
    _, error = mean_and_error(values, 10**12)
    textbook = values.std(ddof=1) / 4
    assert error == pytest.approx(textbook * (1 + 2 * skewness / 4), rel=1e-9)
    assert mean_and_error(-values, 10**12)[1] == pytest.approx(error)


def test_all_samples_and_equal_values_leave_no_error():
    assert mean_and_error(np.array([1.0, 4.0]), 2) == (2.5, 0.0)
    assert mean_and_error(np.full(4, 0.5), 100)[1] == 0.0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_mean_that_is_not_finite_is_known(value):
    assert Target(1e-9, relative=False).reached(np.array([1.0, value]), 100)
    assert Target(1e-9, relative=True).reached(np.array([1.0, value]), 100)


@pytest.mark.filterwarnings("error")
def test_values_whose_squares_overflow_are_not_known():
    values = np.array([1e200, 3e200])
    assert not Target(1e199, relative=False).reached(values, 100)
    assert Target(1e199, relative=False).reached(values, 2)


def test_a_relative_target_is_a_fraction_of_a_positive_mean():
    values = np.array([9.0, 11.0, 9.0, 11.0])
    _, error = mean_and_error(values, 10**12)
    assert Target(error / 10 * 1.001, relative=True).reached(values, 10**12)
    assert not Target(error / 10 * 0.999, relative=True).reached(values, 10**12)
    assert not Target(1.0, relative=True).reached(-values, 10**12)
    assert Target(1.0, relative=True, lowest=9.9).reached(values, 10**12)
    assert not Target(1.0, relative=True, lowest=10.0).reached(values, 10**12)
    assert Target(1.0, relative=True, lowest=10.0).reached(values, 4)


def test_a_split_has_its_own_targets():
    target = Target(0.1, relative=False)
    rule = StopRule({("train", "loss"): target, ("test", "error"): target}, 64)
    assert rule.of_split("train") == {"loss": target}
    assert rule.of_split("validation") == {}


@given(st.integers(2, 40), st.integers(1, 1000), st.floats(1.01, 8))
def test_an_error_is_predicted_for_values_that_go_on_like_this(pairs, more, growth):
    values = np.concatenate([np.arange(1.0, pairs), -np.arange(1.0, pairs)])
    count, total = len(values), len(values) + more
    number = min(int(growth * count) + 1, total)
    textbook = values.std(ddof=1) / math.sqrt(number) * math.sqrt(1 - number / total)
    assert mean_and_error(values, total, number)[1] == pytest.approx(textbook, rel=1e-6)
    assert Target(textbook * 1.001, relative=False).reached(values, total, number)
    if number < total:
        assert not Target(textbook * 0.999, relative=False).reached(values, total, number)


def test_what_no_smaller_number_reaches_all_samples_do():
    values = np.array([1.0, 3.0, 2.0])
    for target in (Target(0.1, relative=True, lowest=5.0), Target(0.0, relative=False)):
        assert not target.reached(values, 99, 98)
        assert target.reached(values, 99, 99)
