import numpy as np
import pytest

from landscape_cli.exports.page_topology import MOST, NO_BASIN, topology_of

AXES = {"x": np.linspace(-1.5, 1.5, 25), "y": np.linspace(-1, 1, 21)}


def wells():
    x, y = np.meshgrid(AXES["x"], AXES["y"])
    return (x**2 - 1) ** 2 + y**2


def test_minima_saddles_and_basins():
    found, basins = topology_of(wells(), None, "loss", AXES)
    assert (found["word"], found["log"]) == ("minimum", False)
    first, second = found["list"]
    assert (first["x"], first["y"], first["value"], first["saddle"]) == (-1, 0, 0, None)
    assert (second["x"], second["y"], second["value"]) == (1, 0, 0)
    assert second["saddle"] == {"x": 0, "y": 0, "value": 1}
    assert (basins.dtype, basins.shape, set(basins.ravel())) == (np.uint8, (21, 25), {0, 1})
    assert (basins[:, :12] == 0).all()
    assert (basins[:, 13:] == 1).all()
    assert first["share"] == pytest.approx((basins == 0).mean())


def test_standard_errors_count():
    found, basins = topology_of(wells(), np.full((21, 25), 0.25), "loss", AXES)
    assert len(found["list"]) == 1
    assert (basins == 0).all()


def test_an_accuracy_has_maxima():
    found, _ = topology_of(100 - wells(), None, "accuracy", AXES)
    assert found["word"] == "maximum"
    assert [entry["value"] for entry in found["list"]] == [100, 100]
    assert found["list"][1]["saddle"]["value"] == 99


def test_points_without_a_value_and_minima_beyond_the_most_have_no_basin():
    values = wells()
    values[:, 12] = np.nan
    found, basins = topology_of(values, None, "loss", AXES)
    assert [entry["saddle"] for entry in found["list"]] == [None, None]
    assert (basins[:, 12] == NO_BASIN).all()
    axes = {name: np.arange(101.0) for name in "xy"}
    noise = np.random.default_rng(0).normal(size=(101, 101))
    found, basins = topology_of(noise, None, "loss", axes)
    assert len(found["list"]) == MOST
    assert set(basins.ravel()) == {*range(MOST), NO_BASIN}


def test_nothing_finite_has_no_minimum():
    found, basins = topology_of(np.full((21, 25), np.nan), None, "loss", AXES)
    assert found["list"] == []
    assert (basins == NO_BASIN).all()
