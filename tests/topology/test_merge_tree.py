"""Merge trees against GUDHI, against definitions applied literally, and known surfaces."""

import heapq
import itertools

import numpy as np
import pytest
from scipy.ndimage import generate_binary_structure, label

from landscape_cli.topology.descent import NONE
from landscape_cli.topology.merge_tree import merge_tree
from landscape_cli.topology.neighbours import NEIGHBOURS


def intervals(tree):
    return sorted(zip(tree.births.tolist(), tree.deaths.tolist(), strict=True))


def gudhi_intervals(values, neighbours):
    """Return the intervals of H0 of GUDHI's cubical complex.

    Values on its vertices connect points across faces, values on its top cells across corners too.
    """
    gudhi = pytest.importorskip("gudhi", reason="no gudhi: pip install 'landscape-cli[test]'")
    faces = neighbours == 2 * values.ndim
    cells = np.where(np.isfinite(values), values, np.inf)
    complex_ = gudhi.CubicalComplex(**{"vertices" if faces else "top_dimensional_cells": cells})
    complex_.compute_persistence(min_persistence=0)
    found = complex_.persistence_intervals_in_dimension(0).reshape(-1, 2)
    return sorted(map(tuple, found[np.isfinite(found[:, 0])].tolist()))


def heights_from(values, neighbours, start):
    """Return the least height over which each point can be reached, by Dijkstra's algorithm."""
    faces = neighbours == 2 * values.ndim
    steps = [s for s in itertools.product((-1, 0, 1), repeat=values.ndim) if any(s)]
    steps = [s for s in steps if not faces or sum(map(abs, s)) == 1]
    reached = np.full(values.shape, np.inf)
    queue = [(values[start], start)]
    while queue:
        height, place = heapq.heappop(queue)
        if np.isfinite(reached[place]):
            continue
        reached[place] = height
        for step in steps:
            other = tuple(np.add(place, step).tolist())
            inside = all(0 <= at < size for at, size in zip(other, values.shape, strict=True))
            if inside and np.isfinite(values[other]) and not np.isfinite(reached[other]):
                heapq.heappush(queue, (max(height, values[other]), other))
    return reached


@pytest.mark.parametrize("count", [1200, pytest.param(6_000, marks=pytest.mark.slow)])
def test_pairs_are_those_of_gudhi(random_grids, count):
    compared = 0
    for values, neighbours in random_grids(count, seed=count):
        tree = merge_tree(values, neighbours)
        assert intervals(tree) == gudhi_intervals(values, neighbours)
        compared += len(tree.births)
    assert compared > 5 * count


@pytest.mark.parametrize("neighbours", [4, 8])
def test_pairs_of_smooth_surfaces_are_those_of_gudhi(neighbours):
    x, y = np.meshgrid(np.linspace(-1, 1, 81), np.linspace(-1, 1, 61))
    for values in (np.sin(7 * x) * np.cos(5 * y) + x, np.hypot(x, y) + 0.1 * np.cos(40 * x * y)):
        assert intervals(merge_tree(values, neighbours)) == gudhi_intervals(values, neighbours)


def test_pieces_are_those_that_can_be_counted(random_grids):
    for values, neighbours in random_grids(200, seed=2):
        tree = merge_tree(values, neighbours)
        faces = neighbours == 2 * values.ndim
        structure = generate_binary_structure(values.ndim, 1 if faces else values.ndim)
        known = values[np.isfinite(values)]
        for level in np.unique(np.concatenate([known, known - 0.5])):
            _, count = label(np.isfinite(values) & (values <= level), structure)
            assert tree.pieces(level).sum() == count


def test_births_and_deaths_are_the_values_there(random_grids):
    for values, neighbours in random_grids(200, seed=3):
        tree, flat = merge_tree(values, neighbours), values.ravel()
        assert tree.births.tolist() == flat[tree.minima].tolist()
        ended = ~tree.endless
        assert tree.deaths[ended].tolist() == flat[tree.saddles[ended]].tolist()
        parents = tree.parents[ended]
        assert (tree.births[parents] <= tree.births[ended]).all()
        assert (tree.deaths[parents] >= tree.deaths[ended]).all()
        assert (np.diff(tree.persistence[ended]) <= 0).all()
        assert (tree.parents[~ended] == NONE).all()
        if len(flat[np.isfinite(flat)]):
            assert tree.births[0] == flat[np.isfinite(flat)].min()


@pytest.mark.parametrize("least", [0.0, 1.0, 2.5, np.inf])
def test_a_point_is_in_a_basin_whose_minimum_it_reaches_over_the_least_height(random_grids, least):
    for values, neighbours in random_grids(60, seed=4, most=6):
        tree = merge_tree(values, neighbours)
        kept = tree.with_ancestors(tree.persistence >= least)
        basins = tree.basins(kept)
        assert ((basins == NONE) == ~np.isfinite(values)).all()
        heights = {
            number: heights_from(
                values, neighbours, np.unravel_index(tree.minima[number], values.shape)
            )
            for number in np.flatnonzero(kept)
        }
        for number, reached in heights.items():
            assert basins.ravel()[tree.minima[number]] == number
            own = basins == number
            for other in heights.values():
                assert (reached[own] <= other[own]).all()


@pytest.mark.parametrize("least", [0.0, 1.0, 2.5])
def test_basins_are_connected(random_grids, least):
    for values, neighbours in random_grids(150, seed=6):
        tree = merge_tree(values, neighbours)
        kept = tree.with_ancestors(tree.persistence >= least)
        faces = neighbours == 2 * values.ndim
        structure = generate_binary_structure(values.ndim, 1 if faces else values.ndim)
        basins = tree.basins(kept)
        for number in np.flatnonzero(kept):
            assert label(basins == number, structure)[1] == 1


def test_basins_of_all_minima_are_the_labels(random_grids):
    for values, neighbours in random_grids(60, seed=5):
        tree = merge_tree(values, neighbours)
        assert (tree.basins(np.ones(len(tree.minima), bool)) == tree.labels).all()


def test_a_region_without_a_kept_minimum_has_no_basin():
    tree = merge_tree(np.array([0.0, 1, np.nan, 5, 4]), 2)
    assert tree.highest.tolist() == [1, 5]
    assert tree.basins(np.array([True, False])).tolist() == [0, 0, NONE, NONE, NONE]


@pytest.mark.parametrize("neighbours", [4, 8])
def test_the_double_well_has_one_pair_of_persistence_one(neighbours):
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, 25), np.linspace(-1, 1, 21))
    tree = merge_tree((x**2 - 1) ** 2 + y**2, neighbours)
    assert tree.persistence.tolist() == [np.inf, 1.0]
    places = np.column_stack([x.ravel(), y.ravel()])
    assert places[tree.minima].tolist() == [[-1, 0], [1, 0]]
    assert places[tree.saddles[1]].tolist() == [0, 0]


@pytest.mark.parametrize("neighbours", [4, 8])
def test_the_minima_and_saddles_of_an_egg_crate(neighbours):
    axis = np.linspace(-2, 2, 81)
    values = np.multiply.outer(np.cos(np.pi * axis), np.cos(np.pi * axis))
    tree = merge_tree(values, neighbours)
    assert len(tree.minima) == 12  # where one coordinate is odd and the other is even
    np.testing.assert_allclose(tree.births, -1)
    np.testing.assert_allclose(tree.persistence[1:], 1)
    upside_down = merge_tree(-values, neighbours)
    assert len(upside_down.minima) == 9 + 4
    np.testing.assert_allclose(upside_down.persistence[1:], 1)


def test_diagonal_neighbours_connect_only_with_eight():
    values = np.array([[0.0, 9], [9, 1]])
    assert intervals(merge_tree(values, 4)) == [(0, np.inf), (1, 9)]
    assert intervals(merge_tree(values, 8)) == [(0, np.inf)]
    assert intervals(merge_tree(-values, 4)) == [(-9, -1), (-9, np.inf)]


def test_plateaus_count_once():
    assert intervals(merge_tree(np.zeros((5, 5)), 4)) == [(0, np.inf)]
    values = np.array([3.0, 1, 1, 1, 2, 0, 0, 2, 1, 1])
    assert intervals(merge_tree(values, 2)) == [(0, np.inf), (1, 2), (1, 2)]


def test_walls_separate():
    values = np.array([[1.0, np.nan, 2], [0, np.nan, 3]])
    tree = merge_tree(values, 8)
    assert intervals(tree) == [(0, np.inf), (2, np.inf)]
    assert tree.labels.tolist() == [[0, NONE, 1], [0, NONE, 1]]


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 2), (1, 1, 1)])
def test_arrays_without_a_value_have_no_minimum(shape):
    tree = merge_tree(np.full(shape, np.nan), NEIGHBOURS[len(shape)][0])
    assert len(tree.minima) == 0
    assert (tree.labels == NONE).all()
    assert tree.basins(np.zeros(0, bool)).shape == shape


def test_the_largest_numbers_do_not_confuse_the_order():
    tree = merge_tree(np.array([-1.7e308, 1.7e308, -1.6e308, np.nan, 5]), 2)
    assert tree.births.tolist() == [-1.7e308, 5, -1.6e308]
