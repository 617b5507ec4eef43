"""Means and standard errors against the textbook's formulas, and paired differences."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.evaluation.ensembles.scores import BINS, BatchScores
from landscape_cli.evaluation.ensembles.statistics import (
    SplitScores,
    differences,
    mean_of,
    ratios,
)

NONE = np.zeros((3, BINS))


def split_of(sums, counts=None):
    sums = np.asarray(sums, dtype=np.float64)
    counts = np.ones(sums.shape[1]) if counts is None else np.asarray(counts, dtype=np.float64)
    return SplitScores(sums, counts, NONE)


@given(seed=st.integers(0, 999), samples=st.integers(2, 50))
def test_with_one_prediction_for_each_sample_it_is_the_standard_error_of_a_mean(seed, samples):
    sums = np.random.default_rng(seed).normal(size=(3, samples))
    means, errors = split_of(sums).means()
    np.testing.assert_allclose(means, sums.mean(axis=1), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(errors, sums.std(axis=1, ddof=1) / math.sqrt(samples), rtol=1e-12)


def test_with_several_predictions_it_is_cochrans_ratio():
    generator = np.random.default_rng(1)
    counts = generator.integers(0, 9, size=40).astype(float)
    sums = generator.normal(size=(1, 40)) * counts
    (mean,), (error,) = ratios(sums, counts)
    n, ratio = len(counts), sums.sum() / counts.sum()
    square = ((sums[0] - ratio * counts) ** 2).sum() / (n - 1)
    assert mean == pytest.approx(ratio)
    assert error == pytest.approx(math.sqrt(square / n) / counts.mean())


def test_differences_are_paired():
    generator = np.random.default_rng(2)
    hard = generator.normal(size=(3, 500)) * 10
    one, other = split_of(hard + 1), split_of(hard + 0.1 * generator.normal(size=(3, 500)))
    values, errors = differences(one, other)
    apart = one.sums - other.sums
    np.testing.assert_allclose(values, apart.mean(axis=1))
    np.testing.assert_allclose(errors, apart.std(axis=1, ddof=1) / math.sqrt(500))
    assert (errors < one.means()[1] / 50).all()


def test_the_mean_of_networks_keeps_samples_apart():
    sums = np.random.default_rng(3).normal(size=(4, 3, 20))
    found = mean_of([split_of(one) for one in sums])
    np.testing.assert_allclose(found.sums, sums.mean(axis=0))
    np.testing.assert_allclose(found.means()[0], sums.mean(axis=(0, 2)))


def test_one_sample_has_no_standard_error():
    means, errors = split_of([[2.0], [1.0], [0.5]]).means()
    assert means.tolist() == [2.0, 1.0, 0.5]
    assert np.isnan(errors).all()


def test_infinite_losses_are_results():
    means, errors = split_of([[math.inf, 1.0], [1, 0], [1, 0]]).means()
    assert means[0] == math.inf
    assert np.isnan(errors[0])
    assert np.isfinite(errors[1])
    values, _ = differences(split_of([[math.inf] * 2] * 3), split_of([[math.inf] * 2] * 3))
    assert np.isnan(values).all()


def test_batches_are_joined_in_order():
    batches = [
        BatchScores(np.full((3, n), float(n)), np.ones(n), np.full((3, BINS), float(n)), n)
        for n in (2, 0, 3)
    ]
    found = SplitScores.of_batches(batches)
    assert found.sums[0].tolist() == [2, 2, 3, 3, 3]
    assert found.bins[0, 0] == 5
    assert found.not_finite == 5
    assert SplitScores.of_batches([]).sums.shape == (3, 0)
