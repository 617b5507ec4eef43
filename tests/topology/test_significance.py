import numpy as np
import pytest

from landscape_cli.topology.extrema import find_extrema
from landscape_cli.topology.significance import ERRORS, Threshold


def counts(values, **options):
    """Return the number of significant minima and maxima of a line."""
    values = np.array(values, dtype=float)
    return [
        int(find_extrema(values, 2, sign=sign, **options).significant.sum()) for sign in (1, -1)
    ]


def test_the_threshold_is_a_fraction_of_the_range():
    assert Threshold.of(np.array([1.0, 3, np.nan, np.inf])) == Threshold(0.01, False, 0.02)
    line = [0, 8, 4, 4.5, 0.5]
    assert counts(line, fraction=1 / 16) == [3, 2]
    assert counts(line, fraction=0.0626) == [2, 1]
    assert counts([0, 1, 0.5, 10]) == [2, 2]
    assert counts([0, 1, 0.95, 10], fraction=0.01) == [1, 1]


def test_over_more_than_three_decades_it_is_one_of_the_logarithm():
    values = np.array([1e-4, 3e-4, 2e-4, 1e3])
    threshold = Threshold.of(values)
    assert (threshold.log, threshold.height) == (True, pytest.approx(0.01 * np.log(1e7)))
    assert counts(values) == [2, 2]  # ln 1.5 is 0.4, and the threshold 0.16
    assert counts([1e-4, 3e-4, 2.9e-4, 1e3]) == [1, 1]
    assert counts([0.0, *values]) == [1, 1]  # not positive: linear


def test_noise_of_known_error_is_no_minimum():
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, 51)
    bowl = np.add.outer(x**2, x**2)
    for sigma in (0.01, 0.1):
        noisy = bowl + rng.normal(scale=sigma, size=bowl.shape)
        errors = np.full(bowl.shape, sigma)
        assert find_extrema(noisy, 8, fraction=0).significant.sum() > 5
        assert find_extrema(noisy, 8, errors, fraction=0).significant.sum() == 1
        assert find_extrema(noisy, 8, errors, fraction=0, sign=-1).significant.sum() == 4


def test_a_minimum_must_exceed_the_errors_of_both_points():
    values, errors = np.array([0.0, 5, 0, 9]), np.array([9.0, 3, 4, 9])  # a difference of 5 ± 5
    assert find_extrema(values, 2, errors / ERRORS).significant.tolist() == [True, True]
    assert find_extrema(values, 2, 1.001 * errors / ERRORS).significant.tolist() == [True, False]
    unknown = np.full(4, np.nan)
    assert find_extrema(values, 2, unknown).significant.tolist() == [True, True]


def test_what_others_end_at_is_significant_too():
    values = np.array([0.0, 10, 1, 4, 1.5, 20])
    errors = np.array([0, 0, 100.0, 0, 0, 0])  # of the minimum at 1
    assert find_extrema(values, 2, errors).significant.tolist() == [True, True, True]


def test_regions_of_their_own_are_measured_from_their_top():
    values = np.array([0.0, 100, np.nan, 50.2, 50, np.nan, 20, 70])
    found = find_extrema(values, 2)
    assert found.values.tolist() == [0, 20, 50]
    assert found.significant.tolist() == [True, True, False]
    assert found.basins.tolist() == [0, 0, -1, -1, -1, -1, 1, 1]


def test_a_constant_has_one_minimum_and_one_maximum():
    assert counts([2, 2, 2]) == [1, 1]
    assert counts([2, 2, 2], fraction=0) == [1, 1]
    assert counts([np.nan, np.inf]) == [0, 0]


@pytest.mark.parametrize(
    ("shape", "neighbours", "draws", "most"), [((201,), 2, 200, 0.2), ((51, 51), 8, 40, 0)]
)
def test_white_noise_alone_has_few_minima_that_count(shape, neighbours, draws, most):
    rng, errors = np.random.default_rng(2), np.ones(shape)
    found = [
        find_extrema(rng.normal(size=shape), neighbours, errors).significant.sum() - 1
        for _ in range(draws)
    ]
    assert np.mean(found) <= most
    assert find_extrema(rng.normal(size=shape), neighbours).significant.sum() > 20
