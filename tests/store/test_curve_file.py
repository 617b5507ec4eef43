"""Curve files: everything comes back, and what is no curve is refused."""

from dataclasses import fields, replace

import numpy as np
import pytest

from landscape_cli.errors import StoreError
from landscape_cli.records.curves.trained import Curve
from landscape_cli.store.curve_file import (
    CurvePoints,
    read_curve,
    read_curve_points,
    write_curve,
)
from landscape_cli.store.directions_file import read_direction
from landscape_cli.store.file_kind import CURVE, SURFACE, check_replaceable, file_kind
from landscape_cli.store.verification import verify
from support.hdf5 import unsealed

RECORD = Curve(
    "bezier",
    points=3,
    ends=("a.pt", "bé.pt::ema"),
    losses=np.array([1.0, 0.5, np.nan]),
    places=np.array([0.1, 0.9, np.nan]),
    done=2,
    config={"problem": "a:b"},
    provenance={"network": {"name": "net"}, "training": {"lr": 0.1}},
)
POINTS = [
    {"w": np.full((2, 3), number, np.float32), "b": np.array(number, np.float64)}
    for number in range(3)
]
MOMENTA = [{"w": np.full((2, 3), 0.5, np.float32), "b": np.array(0.25)}]


@pytest.fixture
def path(tmp_path):
    write_curve(tmp_path / "ab.curve.h5", RECORD, CurvePoints(POINTS, MOMENTA))
    return tmp_path / "ab.curve.h5"


def test_everything_comes_back(path):
    found = read_curve(path)
    for field in fields(RECORD):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(RECORD, field.name))
    assert found.bends == 1
    tensors = read_curve_points(path, found)
    for expected, got in ((POINTS, tensors.points), (MOMENTA, tensors.momenta)):
        assert [list(one) for one in got] == [list(one) for one in expected]
        for one, other in zip(expected, got, strict=True):
            for name, array in one.items():
                assert other[name].dtype == array.dtype
                np.testing.assert_array_equal(other[name], array)


def test_a_complete_curve_has_no_momenta(tmp_path):
    record = replace(RECORD, complete=True, done=3)
    write_curve(tmp_path / "ab.curve.h5", record, CurvePoints(POINTS))
    found = read_curve_points(tmp_path / "ab.curve.h5", read_curve(tmp_path / "ab.curve.h5"))
    assert not found.momenta


def test_points_are_directions(path):
    names = [name for name, _ in read_direction(path, "point1")]
    assert names == ["w", "b"]


def test_it_is_replaced_only_by_a_curve(path):
    assert file_kind(path) == CURVE
    check_replaceable(path, CURVE)
    with pytest.raises(StoreError, match="is there already, a file with a curve"):
        check_replaceable(path, SURFACE)


def test_it_can_be_verified(path):
    (line,) = verify(path)
    assert "match their checksums" in line
    assert "point0, point1, point2" in line


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.attrs.modify("points", 1), "1 points"),
        (lambda file: file.attrs.modify("done", 9), "9 of 3 steps"),
        (lambda file: file.attrs.modify("format_version", 99), "99"),
        (lambda file: file.pop("ends"), "ends"),
        (lambda file: file.attrs.modify("provenance", "[]"), "expected a mapping"),
        (lambda file: file.attrs.modify("shape", "spiral"), "spiral"),
    ],
)
def test_what_is_no_curve_is_refused(path, change, words):
    with unsealed(path) as file:
        change(file)
    with pytest.raises(StoreError, match=words):
        read_curve(path)


def test_a_missing_point_is_refused(path):
    with unsealed(path) as file:
        del file["point1direction"]
    with pytest.raises(StoreError, match="point1"):
        read_curve_points(path, read_curve(path))
