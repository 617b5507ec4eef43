"""Null walks: what they keep of the trainings, and what they do not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.diffusion.products import (
    centred_products,
    principal_components,
    squared_distances,
)
from landscape_cli.diffusion.walks import permuted_steps, random_steps


def path(seed=0, counts=(12, 9), dimension=7):
    """Return the distances of points of several trainings, and their trainings."""
    numbers = np.random.default_rng(seed)
    parts = [
        numbers.normal(size=dimension) * 5
        + np.cumsum(numbers.normal(size=(count, dimension)) * numbers.uniform(0.1, 2), axis=0)
        for count in counts
    ]
    points = np.concatenate(parts)
    training = np.repeat(np.arange(len(counts)), counts)
    return points, squared_distances(points @ points.T), training


def lengths2(distances2, training):
    same = training[1:] == training[:-1]
    return distances2.diagonal(1)[same]


@pytest.mark.parametrize("dimension", [3, 30, 1000], ids=["drawn", "mixed", "Bartlett"])
def test_random_steps_keep_every_length_and_the_places_of_the_first_points(dimension):
    _, distances2, training = path(dimension=min(dimension, 7))
    found = random_steps(distances2, training, dimension)(np.random.default_rng(1))
    np.testing.assert_allclose(
        lengths2(found, training), lengths2(distances2, training), rtol=1e-11
    )
    assert found[0, 12] == pytest.approx(distances2[0, 12], rel=1e-11)
    np.testing.assert_array_equal(found, found.T)
    assert (np.linalg.eigvalsh(centred_products(found)) > -1e-9 * found.max()).all()


@pytest.mark.parametrize("dimension", [3, 12, 40, 400])
def test_random_steps_have_the_moments_of_directions_in_this_dimension(dimension):
    # Of independent uniform directions u, v in P dimensions, E[u.v] = 0 and E[(u.v)^2] = 1 / P.
    count = 11
    distances2 = np.abs(np.subtract.outer(np.arange(count), np.arange(count))).astype(float) ** 2
    walk = random_steps(distances2, np.zeros(count, int), dimension)
    numbers = np.random.default_rng(2)
    cosines = []
    for _ in range(400):
        found = walk(numbers)
        steps = np.diff(np.diff(-found / 2, axis=0), axis=1)
        cosines.append(steps[np.triu_indices(count - 1, 1)])
    cosines = np.array(cosines)
    draws = cosines.size
    assert abs(cosines.mean()) < 4 / np.sqrt(draws * dimension)
    spread = np.sqrt(2 / draws)  # relative, of a mean of squares
    assert np.mean(cosines**2) * dimension == pytest.approx(1, abs=5 * spread)


def test_the_expected_distance_of_a_random_walk_is_the_sum_of_its_squared_steps():
    _, distances2, training = path(counts=(10,))
    walk = random_steps(distances2, training, 50)
    numbers = np.random.default_rng(3)
    mean = np.mean([walk(numbers) for _ in range(2000)], axis=0)
    until = np.concatenate([[0], np.cumsum(lengths2(distances2, training))])
    expected = np.abs(until[:, None] - until)
    np.testing.assert_allclose(mean, expected, rtol=0.05)


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 8), min_size=1, max_size=3))
def test_permuted_steps_are_the_trainings_own_ones(seed, counts):
    _, distances2, training = path(seed, counts)
    found = permuted_steps(distances2, training)(np.random.default_rng(seed))
    scale = distances2.max() or 1.0
    for one in np.unique(training):
        own = np.flatnonzero(training == one)
        before, after = (d[own[:-1], own[1:]] for d in (distances2, found))
        np.testing.assert_allclose(np.sort(after), np.sort(before), atol=1e-12 * scale)
        ends = own[0], own[-1]
        assert found[ends] == pytest.approx(distances2[ends], abs=1e-12 * scale)
    firsts = [np.flatnonzero(training == one)[0] for one in np.unique(training)]
    np.testing.assert_allclose(
        found[np.ix_(firsts, firsts)], distances2[np.ix_(firsts, firsts)], atol=1e-12 * scale
    )


def test_permuted_steps_are_a_walk_through_the_same_vectors():
    points, distances2, training = path()

    class Order:
        """A source of random numbers that reverses instead."""

        def permutation(self, numbers):
            return numbers[::-1]

    found = permuted_steps(distances2, training)(Order())
    parts = []
    for one in (0, 1):
        own = points[training == one]
        steps = np.diff(own, axis=0)[::-1]
        parts.append(np.cumsum(np.concatenate([own[:1], steps]), axis=0))
    expected = np.concatenate(parts)
    np.testing.assert_allclose(found, squared_distances(expected @ expected.T), atol=1e-10)


def test_walks_depend_on_the_seed_alone():
    _, distances2, training = path()
    for walk in (permuted_steps(distances2, training), random_steps(distances2, training, 90)):
        first, again, other = (walk(np.random.default_rng(seed)) for seed in (5, 5, 6))
        assert first.tobytes() == again.tobytes()
        assert first.tobytes() != other.tobytes()


def test_principal_components_of_a_long_walk_explain_what_is_known_of_them():
    # Antognini and Sohl-Dickstein 2018: component k of a high-dimensional random walk explains
    # 6 / (pi k)^2 of the variance.
    count = 500
    distances2 = np.abs(np.subtract.outer(np.arange(count), np.arange(count))).astype(float)
    found = principal_components(distances2)
    expected = 6 / np.pi**2 / np.array([1, 4])
    np.testing.assert_allclose(found.explained, expected, rtol=1e-3)
    # The effective number is 1 / sum of their squares: 90 / 36 = 2.5.
    assert found.effective == pytest.approx(2.5, rel=1e-2)


@pytest.mark.parametrize("exact", [True, False])
def test_principal_components_are_those_of_the_points(exact):
    numbers = np.random.default_rng(7)
    points = numbers.normal(size=(300, 6)) * [5, 3, 1, 1, 1, 1]
    found = principal_components(squared_distances(points @ points.T), exact)
    centred = points - points.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(found.explained, values[:2] ** 2 / (values**2).sum(), rtol=1e-10)
    expected = left[:, :2] * values[:2]
    np.testing.assert_allclose(np.abs(found.coordinates), np.abs(expected), atol=1e-8)
    assert (found.coordinates[0] > 0).all()
