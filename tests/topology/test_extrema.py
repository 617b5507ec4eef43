import numpy as np
import pytest

from landscape_cli.topology.extrema import find_extrema

LINE = np.array([0.0, 3, 1, 2, 0.5, 4])


def test_maxima_are_minima_upside_down():
    found = find_extrema(LINE, 2, sign=-1)
    assert found.values.tolist() == [4, 3, 2]
    assert found.ends.tolist() == [-np.inf, 0.5, 1]
    assert found.basins.tolist() == [1, 1, 1, 2, 0, 0]


def test_smad_is_the_mean_height_of_the_first_saddle_above_each_minimum():
    # The minimum at 0 first meets others at 3, those at 1 and 0.5 at 2.
    assert find_extrema(LINE, 2).smad() == pytest.approx((3 + 1 + 1.5) / 3)
    assert find_extrema(LINE, 2, fraction=0.5).smad() == pytest.approx((3 + 1 + 1.5) / 3)
    assert find_extrema(np.array([2.0, 1, 2]), 2).smad() == 0


def test_weighted_smad_multiplies_by_the_volumes_of_basins():
    # Each point but the minima steps to the lower of its two neighbours.
    found = find_extrema(LINE, 2)
    sizes = {value: int((found.tree.labels == k).sum()) for k, value in enumerate(found.values)}
    assert sizes == {0.0: 2, 1.0: 1, 0.5: 3}
    volumes = np.full(6, 1 / 6)
    assert found.smad(volumes) == pytest.approx((3 * 2 + 1 * 1 + 1.5 * 3) / 6 / 3)


def test_a_minimum_alone_in_its_region_has_no_saddle_distance():
    values = np.array([0.0, 3, 1, np.nan, 7, 8])
    assert find_extrema(values, 2).smad() == pytest.approx((3 + 2) / 2)
    volumes = np.array([1, 1, 1, 0, 1, 1]) / 5
    found = find_extrema(values, 2)
    sizes = np.bincount(found.tree.labels[found.tree.labels >= 0]) / 5
    first = [3 * sizes[0], 2 * sizes[list(found.values).index(1)]]
    assert found.smad(volumes) == pytest.approx(sum(first) / 2)


def test_the_order_is_that_of_persistence_on_the_scale_of_the_threshold():
    values = np.array([1e-4, 50, 2e-4, 900, 1, 901])
    found = find_extrema(values, 2)
    assert found.threshold.log
    assert found.tree.births.tolist() == [1e-4, 1, 2e-4]  # 899 is more than 50
    assert found.values[found.order].tolist() == [1e-4, 2e-4, 1]  # 900 is less than 50 / 2e-4
    linear = find_extrema(np.append(values, 0.0), 2)
    assert linear.values[linear.order].tolist() == [0, 1e-4, 1, 2e-4]
    upside_down = find_extrema(values, 2, sign=-1)
    assert upside_down.values[upside_down.order].tolist() == [901, 50, 900]
