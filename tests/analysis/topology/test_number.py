"""The topology of surfaces as it is described, against surfaces known exactly."""

import json

import numpy as np
import pytest

from builders import LOSS, surface
from landscape_cli.analysis.describe import describe
from landscape_cli.analysis.field import Options, UnknownError
from landscape_cli.analysis.field_selection import select
from landscape_cli.analysis.topology.number import compute
from landscape_cli.analysis.topology.text import text
from landscape_cli.records.levels import axis_levels
from landscape_cli.records.tiles import Status

PLANE = ("-1.5:1.5:25", "-1:1:21")


def wells(x, y=0.0):
    """Return the double well, whose saddle is 1 above both minima."""
    return (x**2 - 1) ** 2 + y**2


def topology(found, **options):
    (one,) = describe(found, options=Options(**options))["numbers"]
    assert json.loads(json.dumps(one, allow_nan=False)) == one
    return one["topology"]


def test_the_double_well_has_two_minima_and_the_saddle_between_them():
    found = topology(surface(wells, *PLANE))
    assert {key: found[key] for key in ("scale", "fraction", "errors", "points", "left_out")} == {
        "scale": "linear",
        "fraction": 0.01,
        "errors": None,
        "points": 525,
        "left_out": 0,
    }
    highest = (1.5**2 - 1) ** 2 + 1
    assert found["threshold"] == pytest.approx(0.01 * highest)
    assert list(found["neighbours"]) == ["8", "4"]
    for each in found["neighbours"].values():
        assert (each["minima"]["count"], each["minima"]["largest"]) == (2, 1.0)
        first, second = each["minima"]["list"]
        assert (first["at"], first["value"], first["into"]) == ([-1, 0], 0, None)
        assert (first["saddle"], first["persistence"], first["edge"]) == (None, None, False)
        assert (second["at"], second["saddle"], second["into"]) == ([1, 0], [0, 0], 0)
        assert (second["saddle_value"], second["persistence"]) == (1, 1)
        assert first["area"] + second["area"] == pytest.approx(3 * 2)
        assert first["share"] == pytest.approx(1 / 2, abs=0.03)
        assert first["points"] + second["points"] == 525
        # Maxima: four corners, and on both edges the ends of the ridge over the saddle.
        assert each["maxima"]["count"] == 6
        assert each["smad"] == 1
        assert each["smad_relative"] == pytest.approx(1 / highest)
        assert each["smad_weighted"] == pytest.approx(1 / 2)


@pytest.mark.parametrize(("level", "pieces"), [(-1, 0), (0, 2), (0.99, 2), (1, 1)])
def test_pieces_of_a_sublevel_set(level, pieces):
    found = topology(surface(wells, *PLANE), level=level)["neighbours"]["4"]["sublevel"]
    assert (found["level"], found["pieces"], found["significant"]) == (level, pieces, pieces)


def test_areas_are_those_of_cells_cut_off_at_the_edges():
    found = topology(surface(lambda x: np.abs(x - 0.25), "-1:1:5"), level=1.25)["neighbours"]["2"]
    assert found["minima"]["list"][0]["area"] == 2
    assert found["sublevel"]["share"] == 1
    found = topology(surface(lambda x: x, "-1:1:5"), level=-0.5)["neighbours"]["2"]
    assert found["sublevel"]["share"] == pytest.approx((0.25 + 0.5) / 2)


def test_lines_and_volumes_have_their_own_neighbours():
    line = topology(surface(wells, "-1.5:1.5:25"))["neighbours"]
    assert list(line) == ["2"]
    assert [entry["at"] for entry in line["2"]["minima"]["list"]] == [[-1], [1]]
    assert line["2"]["minima"]["list"][1]["saddle"] == [0]
    volume = surface(lambda x, y, z: wells(x, y) + z**2, "-1.5:1.5:13", "-1:1:5", "-0.5:0.5:3")
    found = topology(volume)["neighbours"]
    assert list(found) == ["26", "6"]
    for each in found.values():
        assert [entry["at"] for entry in each["minima"]["list"]] == [[-1, 0, 0], [1, 0, 0]]
        assert each["minima"]["list"][1]["persistence"] == 1


def test_diagonals_connect_with_eight_neighbours_only():
    values = np.full((5, 5), 9.0)
    values[np.arange(5), np.arange(5)] = [0, 1, 2, 1, 0.5]
    found = topology(surface(values))["neighbours"]
    assert (found["8"]["minima"]["count"], found["4"]["minima"]["count"]) == (2, 5)
    assert (found["8"]["maxima"]["count"], found["4"]["maxima"]["count"]) == (1, 2)


def test_points_without_a_value_separate_and_make_an_edge():
    values = np.array([5.0, 1, 5, np.inf, 3, 2, 9, 8, 7, 9])
    status = np.full(10, Status.OK)
    status[3], status[6] = Status.NOT_FINITE, Status.FAILED
    found = topology(surface(values, "0:9:10", status=status))
    assert (found["points"], found["left_out"]) == (8, 2)
    entries = found["neighbours"]["2"]["minima"]["list"]
    assert [entry["at"] for entry in entries] == [[1], [5], [8]]
    assert [entry["edge"] for entry in entries] == [False, True, False]
    assert [entry["saddle"] for entry in entries] == [None] * 3
    assert sum(entry["share"] for entry in entries) < 1


def test_standard_errors_hide_what_may_be_noise():
    found = {}
    for error in (0.1, 0.25):
        found[error] = topology(surface(wells, *PLANE, stderr=error))
    assert found[0.1]["errors"] == 4
    assert [found[e]["neighbours"]["8"]["minima"]["count"] for e in (0.1, 0.25)] == [2, 1]
    assert found[0.25]["neighbours"]["8"]["minima"]["list"][0]["share"] == 1
    assert found[0.25]["neighbours"]["8"]["minima"]["all"] == 2
    pieces = topology(surface(wells, *PLANE, stderr=0.25), level=0.5)["neighbours"]["8"]["sublevel"]
    assert (pieces["pieces"], pieces["significant"]) == (2, 1)


def test_the_least_persistence_can_be_chosen():
    values = [0, 8, 4, 4.5, 0.5]
    for fraction, count in ((0, 3), (1 / 16, 3), (0.07, 2), (1, 1)):
        found = topology(surface(values, "0:4:5"), persistence=fraction)
        assert found["fraction"] == fraction
        assert found["neighbours"]["2"]["minima"]["count"] == count


def test_values_over_many_decades_are_compared_by_their_logarithms():
    found = topology(surface([1e-4, 3e-4, 2e-4, 1e3], "0:3:4"))
    assert (found["scale"], found["threshold"]) == ("log", pytest.approx(0.01 * np.log(1e7)))
    minima = found["neighbours"]["2"]["minima"]
    assert [entry["value"] for entry in minima["list"]] == [1e-4, 2e-4]
    assert minima["list"][1]["persistence"] == pytest.approx(1e-4)
    assert text(found)[1] == "that persist for at least 1 % of the range of ln"
    linear = topology(surface([0, 3e-4, 2e-4, 1e3], "0:3:4"))
    assert (linear["scale"], linear["neighbours"]["2"]["minima"]["count"]) == ("linear", 1)


def test_interpolated_points_count_and_are_marked():
    status = np.full(25, Status.OK)
    status[4] = Status.INTERPOLATED
    entries = topology(surface(wells, "-1.5:1.5:25", status=status))["neighbours"]["2"]["minima"]
    assert [entry["interpolated"] for entry in entries["list"]] == [True, False]
    status[12] = Status.INTERPOLATED
    entries = topology(surface(wells, "-1.5:1.5:25", status=status))["neighbours"]["2"]["minima"]
    assert [entry["interpolated"] for entry in entries["list"]] == [True, True]


@pytest.mark.parametrize(
    ("error", "fraction", "count"), [(0.005, 0.01, 3), (0.2, 0.2, 2), (9, 1, 1)]
)
def test_no_minimum_counts_that_errors_of_interpolation_could_make(error, fraction, count):
    status = np.full(5, Status.OK)
    status[1] = Status.INTERPOLATED
    entry = {"split": "train", "quantity": "loss", "error": error, "scale": "linear"}
    facts = {"adaptive": {"held_out": 3, "quantities": [entry]}}
    found = topology(surface([0, 8, 4, 4.5, 0.5], "0:4:5", status=status, provenance=facts))
    assert found["fraction"] == fraction
    assert found["neighbours"]["2"]["minima"]["count"] == count
    facts = {"adaptive": {"held_out": 0, "quantities": [entry]}}
    computed = topology(surface([0, 8, 4, 4.5, 0.5], "0:4:5", provenance=facts))
    assert computed["fraction"] == 0.01


def test_an_incomplete_surface_has_the_minima_of_its_finest_complete_level():
    coarse = axis_levels(25)[1]
    status = np.full((25, 25), Status.TODO)
    status[np.ix_(coarse, coarse)] = Status.OK
    status[13, 13] = Status.OK  # of a finer level, and lower than anything else
    values = surface(wells, "-1.5:1.5:25", "-1.5:1.5:25", status=status)
    values.values["train", "loss"][13, 13] = -9
    values.values["train", "loss"][status == Status.TODO] = np.nan
    found = topology(values)
    assert found["points"] == len(coarse) ** 2
    assert [entry["at"] for entry in found["neighbours"]["8"]["minima"]["list"]] == [
        [-1, 0],
        [1, 0],
    ]


def test_repeats_are_described_apart_and_counts_are_averaged():
    x = np.linspace(-1.5, 1.5, 25)
    values = np.stack([wells(x), x**2, 3 * wells(x)])
    (one,) = describe(surface(values, "-1.5:1.5:25", repeats=3))["numbers"]
    each = [repeat["topology"]["neighbours"]["2"]["minima"] for repeat in one["each"]]
    assert [minima["count"] for minima in each] == [2, 1, 2]
    assert [len(minima["list"]) for minima in each] == [2, 1, 2]
    mean = one["topology"]["neighbours"]["2"]["minima"]
    assert mean["count"] == pytest.approx(5 / 3)
    assert mean["largest"] == pytest.approx(2)  # of 1 and 3
    assert (mean["list"], one["topology"]["threshold"]) == (None, None)
    assert one["std"]["topology"]["neighbours"]["2"]["minima"]["count"] == pytest.approx(3**-0.5)
    assert text(one["topology"])[0] == "2 neighbours: 1.66667 minima, 2.66667 maxima"
    assert not any("minimum" in line for line in text(one["topology"]))


def test_places_are_coordinates_and_not_distances_from_the_network():
    along = surface(lambda t: wells(4 * t - 2), "0:1:21", provenance={"slice": {"origin": [0.25]}})
    minima = topology(along)["neighbours"]["2"]["minima"]["list"]
    assert [entry["at"] for entry in minima] == [[0.25], [0.75]]


def test_without_a_value_at_the_centre_there_is_no_level():
    values = np.array([3.0, 1, np.nan, 2, 3])
    found = topology(surface(values, "-2:2:5"))["neighbours"]["2"]
    assert found["sublevel"] is None
    assert found["minima"]["count"] == 2
    (one,) = describe(surface([np.nan] * 5, "-2:2:5"))["numbers"]
    assert one["unknown"]["topology"] == "there is no finite value"


def test_a_range_beyond_floating_point_is_no_number():
    huge = surface([-1.7e308, 1.7e308, 0, 1, 2], "-2:2:5", stderr=1.0)
    (field,) = select(huge).fields(LOSS)
    with pytest.raises(UnknownError, match="the range of values is too large for a number"):
        compute(field, Options())


def test_the_lines_of_text():
    found = topology(surface(wells, *PLANE, stderr=0.001), level=0.5)
    assert text(found) == [
        "8 neighbours: 2 minima, 6 maxima; 4 neighbours: 2 minima, 6 maxima",
        "that persist for at least 1 % of the range and 4 standard errors",
        "minimum 0 at (-1, 0), basin 52.1 %",
        "minimum 0 at (1, 0), basin 47.9 %; saddle 1 at (0, 0), persistence 1",
        "L up to 0.5: 2 pieces, 28.3 % of the grid",
        "SMAD 1 (2 minima of any persistence)",
    ]
    many = topology(surface(lambda x: np.cos(np.pi * x), "0:16:33"))
    lines = text(many)
    assert lines[2].startswith("minimum -1 at (1), basin")
    assert lines[7] == "and 3 more minima"
