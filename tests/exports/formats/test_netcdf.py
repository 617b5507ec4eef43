import json
from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.exports.arrays import array_names
from landscape_cli.records.tiles import Status

xarray = pytest.importorskip("xarray", reason="no xarray: make extras")
pytestmark = pytest.mark.extras("h5netcdf")


def opened(path):
    with xarray.open_dataset(path, engine="h5netcdf") as dataset:
        return dataset.load()


def test_every_array_is_read_back_exactly(write, any_surface):
    dataset = opened(write(any_surface, "xarray")[0])
    dims = (*(["repeat"] if any_surface.grid.repeated else []), *any_surface.grid.names[::-1])
    for key, name in array_names(any_surface).items():
        assert dataset[name].dims == dims
        np.testing.assert_array_equal(dataset[name], any_surface.values[key])
        np.testing.assert_array_equal(dataset[name + "_stderr"], any_surface.stderr[key])
    for name in ("status", "seconds", "rank"):
        np.testing.assert_array_equal(dataset[name], getattr(any_surface, name))
        assert dataset[name].dtype == getattr(any_surface, name).dtype
    for name, axis in any_surface.grid.axes.items():
        np.testing.assert_array_equal(dataset[name], axis.coordinates)
    for name in ("config", "provenance"):
        assert json.loads(dataset.attrs[name]) == getattr(any_surface, name)


def test_points_are_found_by_their_coordinates(write, make_surface):
    dataset = opened(write(make_surface(lambda x, y: 10 * x + y, "0:4:5", "7:9:3"), "xarray")[0])
    assert float(dataset["train_loss"].sel(x=3, y=8)) == 38


def test_attributes_follow_the_conventions(write, make_surface):
    dataset = opened(write(make_surface(np.ones(3), "0:1:3"), "xarray")[0])
    assert dataset.attrs["Conventions"] == "CF-1.11"
    loss, status = dataset["train_loss"], dataset["status"]
    assert loss.attrs["ancillary_variables"].split() == ["train_loss_stderr", "status"]
    meanings = status.attrs["flag_meanings"].split()
    flags = dict(zip(meanings, status.attrs["flag_values"].tolist(), strict=True))
    assert flags == {one.name.lower(): int(one) for one in Status}
    assert "_FillValue" not in loss.encoding


def test_a_long_provenance_fits(write, make_surface):
    facts = {"path": "x" * 200_000}
    surface = replace(make_surface(np.ones(3), "0:1:3"), provenance=facts)
    dataset = opened(write(surface, "xarray")[0])
    assert json.loads(dataset.attrs["provenance"]) == facts


def test_numbers_of_samples_are_variables(write, sampled):
    dataset = opened(write(sampled, "xarray")[0])
    for split, name in (("a", "a_samples_"), ("b", "b_samples")):
        np.testing.assert_array_equal(dataset[name], sampled.samples[split])
        assert dataset[name].dtype == np.int32
