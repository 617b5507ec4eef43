"""The choice of the kernel's bandwidth, against sums over all pairs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree

from landscape_cli.diffusion.bandwidth import BINS, Pairs, joining, steepest
from landscape_cli.diffusion.diffusion_map import diffusion_map


def distances2(points):
    points = np.asarray(points, dtype=np.float64).reshape(len(points), -1)
    return ((points[:, None] - points[None]) ** 2).sum(axis=2)


def everything(points):
    square = distances2(points)
    pairs = Pairs.of(square)
    curve = pairs.curve()
    return square, pairs, curve, steepest(pairs, curve)


@pytest.mark.parametrize(("count", "error"), [(20, 1e-14), (200, 1e-6)], ids=["all", "binned"])
def test_sums_and_slopes_are_those_over_all_pairs(count, error):
    square, pairs, curve, _ = everything(np.random.default_rng(0).normal(size=(count, 3)))
    assert (len(pairs.values) < count * (count - 1) / 2) == (count * (count - 1) / 2 > BINS)
    kernels = np.exp(-square[None] / curve.epsilons[:, None, None])
    np.testing.assert_allclose(curve.sums, kernels.sum(axis=(1, 2)), rtol=error)
    slopes = (kernels * square).sum(axis=(1, 2)) / curve.epsilons / curve.sums
    np.testing.assert_allclose(pairs.slopes(curve.epsilons), slopes, rtol=1e-5, atol=error)


def test_the_curve_goes_from_the_points_alone_to_all_pairs():
    _, _, curve, _ = everything(np.random.default_rng(0).normal(size=(50, 2)))
    assert curve.sums[0] == pytest.approx(50)
    assert curve.sums[-1] == pytest.approx(2500, rel=0.05)
    assert (np.diff(curve.sums) > 0).all()


def test_two_points_have_the_slope_that_is_worked_out_by_hand():
    # S = 2 + 2 exp(-1 / e): the slope x exp(-x) / (1 + exp(-x)), x = 1 / e, is largest where
    # 1 - x + exp(-x) = 0: x = 1.2784645.
    _, _, _, found = everything([0.0, 1.0])
    assert 1 / found.epsilon == pytest.approx(1.2784645, rel=1e-5)
    assert found.slope == pytest.approx(0.2784645, rel=1e-6)


@pytest.mark.parametrize(("dimension", "low", "high"), [(1, 0.9, 1.05), (2, 1.7, 2.05)])
def test_the_dimension_is_that_of_a_cube_but_for_its_edges(dimension, low, high):
    axes = np.meshgrid(*[np.linspace(0, 1, 900 if dimension == 1 else 32)] * dimension)
    *_, found = everything(np.stack([axis.ravel() for axis in axes], axis=1))
    assert low < found.dimension < high
    assert found.maxima == 1


def test_clusters_have_two_scales_of_which_the_one_that_joins_them_is_taken():
    numbers = np.random.default_rng(3)
    centres = 1e4 * numbers.normal(size=(20, 2))
    points = (centres[:, None] + numbers.normal(size=(20, 15, 2))).reshape(-1, 2)
    _, pairs, curve, found = everything(points)
    assert found.maxima == 2
    slopes, joins = pairs.slopes(curve.epsilons), curve.epsilons > pairs.joining / math.log(100)
    assert slopes[joins].max() < slopes.max()
    assert found.slope == pytest.approx(slopes[joins].max(), rel=0.05)
    assert found.epsilon > 1e6


def test_steps_that_shrink_by_orders_of_magnitude_do_not_choose_the_bandwidth():
    """Else most of such a path has no neighbours, and all eigenvalues are 1."""
    steps = np.random.default_rng(5).normal(size=(200, 50)) * np.geomspace(1, 1e-6, 200)[:, None]
    square, pairs, curve, found = everything(np.cumsum(steps, axis=0))
    steepest_of_all = curve.epsilons[pairs.slopes(curve.epsilons).argmax()]
    assert found.epsilon >= pairs.joining / math.log(100) * (1 - 1e-9)
    for epsilon, joins in ((steepest_of_all, False), (found.epsilon, True)):
        eigenvalues = diffusion_map(square, epsilon, 1.0, 2).eigenvalues
        assert (eigenvalues[1] < 0.999) == joins


@given(st.integers(2, 30), st.integers(0, 100))
def test_the_joining_distance_is_the_longest_edge_of_the_spanning_tree(count, seed):
    square = distances2(np.random.default_rng(seed).normal(size=(count, 2)))
    assert joining(square) == minimum_spanning_tree(square).max()


def test_the_scale_of_distances_is_the_scale_of_the_bandwidth():
    points = np.random.default_rng(4).normal(size=(60, 2))
    *_, small = everything(points)
    *_, large = everything(1e6 * points)
    assert large.epsilon == pytest.approx(1e12 * small.epsilon, rel=1e-6)
    assert large.dimension == pytest.approx(small.dimension, rel=1e-9)


def test_duplicates_count_at_every_bandwidth_and_not_in_the_median():
    square, pairs, curve, _ = everything([0.0, 0.0, 0.0, 1.0, 3.0])
    assert pairs.zeros == 3
    assert curve.sums[0] == pytest.approx(5 + 2 * 3)
    assert pairs.median() == np.median(square[square > 0]) == 4
