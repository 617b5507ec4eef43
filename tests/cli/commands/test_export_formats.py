"""``landscape export`` to the formats of other programs, as a black box."""

import sys
from pathlib import Path

import numpy as np
import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.exports import FORMATS
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute
from landscape_cli.store import read_surface

BEGINNINGS = {
    "vtp": b'<?xml version="1.0"?>\n<VTKFile type="PolyData"',
    "vts": b'<?xml version="1.0"?>\n<VTKFile type="StructuredGrid"',
    "stl": b"landscape-cli",
    "csv": b"x,y,test_loss,test_loss_stderr,train_loss,train_loss_stderr,status\n",
    "npz": b"PK",
    "xarray": b"\x89HDF",
}


@pytest.fixture
def place(workplace) -> Path:
    config = load_config(workplace.config())
    return Path(compute(config, SerialExecutor(), quiet=True).surface)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.extras("h5netcdf")) if name == "xarray" else name
        for name in BEGINNINGS
    ],
)
def test_each_file_is_written_beside_its_surface(landscape, place, name):
    written = place.with_suffix(FORMATS[name].ending).resolve()
    assert landscape("export", place, "--to", name) == (0, f"wrote {written}\n", "")
    assert written.read_bytes().startswith(BEGINNINGS[name])


def test_each_surface_gets_its_own_file(landscape, place):
    other = place.with_name("other.h5")
    other.write_bytes(place.read_bytes())
    code, out, _ = landscape("export", place, other, "--to", "npz")
    assert code == 0
    assert out.count("wrote ") == 2
    with np.load(place.with_name("other.npz")) as archive:
        expected = read_surface(place).values["train", "loss"]
        np.testing.assert_array_equal(archive["values/train/loss"], expected)


def test_the_extension_of_the_output_sets_the_format(landscape, place):
    assert landscape("export", place, "-o", "small.stl", "--size", 50, "--linear")[0] == 0
    corners = np.fromfile("small.stl", "V12, (3, 3)<f4, u2", offset=84)["f1"]
    np.testing.assert_allclose(corners.max(axis=(0, 1)), [50, 50, 50 * (0.5 + 0.03)], rtol=1e-6)


def test_notes_go_to_standard_error(landscape, place):
    values = read_surface(place).values["test", "loss"]
    limit = float(np.median(values))
    count = int((values > limit).sum())
    code, _, err = landscape("export", place, "--to", "vtp", "--split", "test", "--vmax", limit)
    start = f"note: {count} of 20 values of test loss lie above --vmax {limit:g}, "
    assert (code, err) == (0, f"{start}and their heights are cut to it\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "csv", "--log"], "--log: applies only to html, vtp, stl, not to csv; "),
        (["--to", "npz", "--height", "1"], "--height 1.0: applies only to vtp, stl, not to npz;"),
        (["--to", "stl", "--size", "0"], "Invalid value for '--size': 0.0 is not in the range"),
        (["--to", "stl", "--size", "nan"], "--size nan: must be a finite number"),
        (["--to", "csv", "-o", "surface.h5"], "--output surface.h5: would replace the surface"),
        (["--to", "csv", "-o", "gone/a.csv"], "--output gone/a.csv: the folder gone does not"),
        (["-o", "a.txt"], "--output a.txt: ends in none of "),
        (["--to", "csv", "--split", "valid"], "--split 'valid': surface.h5 has test, train; "),
    ],
)
def test_bad_input_is_refused_in_one_line_and_leaves_nothing(landscape, place, arguments, message):
    before = sorted(Path().iterdir())
    code, out, err = landscape("export", "surface.h5", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"landscape: {message}")
    assert err.count("\n") == 1
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    "module", ["xarray", pytest.param("h5netcdf", marks=pytest.mark.extras("xarray"))]
)
def test_a_missing_library_is_one_line_with_the_remedy(landscape, place, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    code, _, err = landscape("export", place, "--to", "xarray")
    assert code == 2
    assert err.startswith(f"landscape: --to xarray: needs {module} (")
    assert err.endswith("; pip install 'landscape-cli[xarray]'\n")
    assert not place.with_suffix(".nc").exists()


def test_help_names_every_format(landscape):
    _, out, _ = landscape("export", "--help")
    for name, entry in FORMATS.items():
        assert f"  {name:9} {entry.help}\n" in out
