import json

import numpy as np
import pytest

from landscape_cli.analysis import NUMBERS
from landscape_cli.analysis.describe import combine_trees, describe
from landscape_cli.analysis.field import Options
from landscape_cli.errors import UsageError
from landscape_cli.records.levels import axis_levels
from landscape_cli.records.tiles import Status


def test_every_number_is_a_plain_value(make_surface):
    surface = make_surface(lambda x, y: 1 + x * x + y * y, "-1:1:11", "-1:1:11")
    found = describe(surface)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["complete"], found["repeats"]) == (True, 1)
    np.testing.assert_allclose(found["axes"]["x"], np.linspace(-1, 1, 11), atol=1e-15)
    (one,) = found["numbers"]
    assert set(one) == {
        *("split", "quantity", "points", "centre", "unknown", "std", "each"),
        *NUMBERS,
    }
    assert (one["split"], one["quantity"], one["centre"]) == ("train", "loss", 1)
    assert (one["unknown"], one["std"], one["each"], one["barrier"]) == ({}, None, None, None)
    for name, number in NUMBERS.items():
        if one[name] is not None:
            assert all(number.text(one[name]))


def test_points_without_a_value_are_counted(make_surface):
    values = np.ones((9, 9))
    values[0, 0], values[1, 1] = np.inf, np.nan
    status = np.full((9, 9), Status.OK)
    status[0, 0], status[1, 1], status[2, 2] = Status.NOT_FINITE, Status.FAILED, Status.INTERPOLATED
    (one,) = describe(make_surface(values, "-1:1:9", "-1:1:9", status=status))["numbers"]
    counts = {"left_to_do": 0, "failed": 1, "not_finite": 1, "interpolated": 1}
    assert one["points"] == {"total": 81, **counts}


def test_an_incomplete_surface_is_described_by_its_finest_complete_level(make_surface):
    coarse = axis_levels(21)[1]
    status = np.full((21, 21), Status.TODO)
    status[np.ix_(coarse, coarse)] = Status.OK
    x = np.linspace(-1, 1, 21)
    values = np.where(status == Status.OK, np.add.outer(x * x, x * x), np.nan)
    found = describe(make_surface(values, "-1:1:21", "-1:1:21", status=status))
    assert not found["complete"]
    np.testing.assert_allclose(found["axes"]["y"], x[coarse], atol=1e-15)
    (one,) = found["numbers"]
    assert one["points"]["total"] == len(coarse) ** 2
    assert one["points"]["left_to_do"] == 21**2 - len(coarse) ** 2
    np.testing.assert_allclose(one["curvature"]["eigenvalues"], [2, 2])
    status[0, 0] = Status.TODO
    with pytest.raises(UsageError, match=r"FILE: 168 of 441 points are done.*compute more"):
        describe(make_surface(values, "-1:1:21", "-1:1:21", status=status))


def test_repeats_are_described_one_by_one_and_together(make_surface):
    x = np.linspace(-1, 1, 21)
    values = np.stack([factor * x * x for factor in (1, 2, 3)])
    values[2, 0] = np.inf
    (one,) = describe(make_surface(values, "-1:1:21", repeats=3))["numbers"]
    assert [each["curvature"]["eigenvalues"] for each in one["each"]] == [
        pytest.approx([2]),
        pytest.approx([4]),
        pytest.approx([6]),
    ]
    assert one["curvature"]["eigenvalues"] == pytest.approx([4])
    assert one["std"]["curvature"]["eigenvalues"] == pytest.approx([2])
    assert one["points"]["total"] == 63
    last = one["each"][2]["sharpness"]["radii"][-1]
    assert (last["mean"], last["left_out"]) == (pytest.approx(3), 1)


def test_trees_are_combined_entry_by_entry():
    def mean(values):
        return sum(values) / len(values)

    trees = [
        {"a": [1, {"b": 2.0}], "c": True, "d": None, "e": "log"},
        {"a": [3, {"b": None}], "c": False, "d": 5, "e": "linear"},
    ]
    assert combine_trees(trees, mean) == {"a": [2, {"b": 2}], "c": False, "d": 5, "e": "log"}


def test_an_axis_of_one_point_is_dropped(make_surface):
    found = describe(make_surface(lambda x, y: x * x, "-1:1:9", "0:0:1"))
    assert list(found["axes"]) == ["x"]
    assert found["numbers"][0]["curvature"]["eigenvalues"] == pytest.approx([2])
    with pytest.raises(UsageError, match="single point"):
        describe(make_surface(lambda x: x, "0:0:1"))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"splits": ["val"]}, "--split val: the surface has train"),
        ({"quantities": ["error"]}, "--quantity error: the surface has loss"),
    ],
)
def test_unknown_names_are_refused(make_surface, names, words):
    with pytest.raises(UsageError, match=words):
        describe(make_surface(lambda x: x * x, "-1:1:9"), **names)


def test_unknown_numbers_have_a_reason(make_surface):
    (one,) = describe(make_surface([1, 2, 3, np.nan], "1:2:4"), options=Options())["numbers"]
    assert one["centre"] is None
    reason = "the origin is outside the range of x"
    assert {name for name, why in one["unknown"].items() if why == reason} == {
        *("centre", "sharpness", "curvature", "basin"),
    }
    assert "5 points" in one["unknown"]["roughness"]
