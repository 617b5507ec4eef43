"""Adaptive runs from the command line: computed points, interpolated points, messages."""

import json
import re

import numpy as np
import pytest

from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface
from support.processes import kill_group, wait_until
from support.surfaces import assert_same_bits

GRID = {"x": [-1, 1, 33], "y": [-1, 1, 31]}
ADAPTIVE = {"tolerance": 0.002}


@pytest.fixture(scope="module")
def serial(new_workplace):
    """Compute the adaptive surface in one process, without MPI."""
    place = new_workplace("serial")
    return place.surface(place.config(grid=GRID, adaptive=ADAPTIVE))


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 4))])
def test_adaptive_surfaces_are_the_same_on_any_number_of_ranks(workplace, serial, ranks):
    config = workplace.config(grid=GRID)
    done = workplace.run("compute", config, "--adaptive", "0.002", ranks=ranks)
    assert done.returncode == 0, done.stderr
    surface = read_surface("surface.h5")
    assert surface.complete
    assert_same_bits(surface, serial)


@pytest.mark.bits
def test_computed_points_are_exact_and_interpolated_ones_within_tolerance(workplace, serial):
    config = workplace.config(grid=GRID)
    whole, surface = workplace.surface(config), serial
    computed = surface.status == Status.OK
    assert 0.03 < computed.mean() < 0.1
    assert (surface.status[~computed] == Status.INTERPOLATED).all()
    assert (surface.rank[~computed] == -1).all()
    for key, values in whole.values.items():
        np.testing.assert_array_equal(surface.values[key][computed], values[computed])
        assert np.abs(surface.values[key] - values).max() < 0.003 * np.ptp(values)
    facts = surface.provenance["adaptive"]
    assert facts["computed"] == computed.sum()
    assert {(q["split"], q["quantity"]) for q in facts["quantities"]} == set(whole.values)


def test_run_info_and_plot_report_what_was_computed(workplace, landscape):
    config = workplace.config(grid=GRID, adaptive=ADAPTIVE)
    _, _, errors = landscape("compute", config)
    computed = int((read_surface("surface.h5").status == Status.OK).sum())
    line = rf"{computed} of 1023 points computed \([0-9.]+ %\), the rest interpolated; "
    assert re.search(line, errors)
    _, shown, _ = landscape("info", "surface.h5")
    assert re.search(f"adaptive: +{line}", shown)
    assert re.search(r"train loss: 0\.\d+ % of the range", shown)
    facts = json.loads(landscape("info", "surface.h5", "--json")[1])
    assert facts["interpolated"] == 1023 - computed
    assert facts["complete"]
    assert landscape("plot", "surface.h5", "-o", "a.svg")[0] == 0
    percent = 100 * computed // 1023
    assert re.search(rf"\({percent} % computed, rest within [0-9.]+ %", svg_text("a.svg"))
    code, again, _ = landscape("compute", config)
    assert code == 0
    assert "nothing to do" in again


def svg_text(path):
    with open(path) as file:
        return " ".join(file.read().split())


@pytest.mark.bits
@pytest.mark.slow
@pytest.mark.parametrize("ranks", [None, pytest.param(2, marks=pytest.mark.mpi)])
def test_a_killed_adaptive_run_is_continued_to_the_same_bits(workplace, serial, ranks, monkeypatch):
    slow = {"seconds": 0.1 * (ranks or 1)}
    config = workplace.config("example:slow", grid=GRID, adaptive=ADAPTIVE, problem_args=slow)
    process = workplace.start("compute", config, ranks=ranks)
    path = workplace.folder / "surface.h5"
    wait_until(process, lambda: path.exists() and read_surface(path).interpolated)
    kill_group(process)
    before = read_surface(path)
    assert not before.complete
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    done = workplace.run("compute", config, "--resume", ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert "points are done" in done.stderr
    surface = read_surface(path)
    kept = before.status == Status.OK
    np.testing.assert_array_equal(before.seconds[kept], surface.seconds[kept])
    np.testing.assert_array_equal(surface.status, serial.status)
    for key, values in surface.values.items():
        np.testing.assert_array_equal(values, serial.values[key])


@pytest.mark.parametrize(
    ("adaptive", "words"),
    [
        ({"tolerance": 0}, "adaptive.tolerance: Input should be greater than 0, got 0"),
        ({"tolerance": 1.5}, "adaptive.tolerance: Input should be less than 1, got 1.5"),
        ({"scale": "log"}, "adaptive.tolerance: this key is required"),
        (0.01, "adaptive: "),
        ({"tolerance": 0.1, "quantities": ["bleu"]}, "has no 'bleu'; it has loss"),
    ],
)
def test_invalid_settings_are_reported_in_one_line(workplace, landscape, adaptive, words):
    code, _, errors = landscape("compute", workplace.config(grid=GRID, adaptive=adaptive))
    assert code == 2
    last = errors.splitlines()[-1]
    assert last.startswith("landscape: ")
    assert words in last


def test_another_tolerance_is_another_configuration(workplace, landscape):
    config = workplace.config(grid=GRID, adaptive=ADAPTIVE)
    assert landscape("compute", config)[0] == 0
    code, _, errors = landscape("compute", config, "--adaptive", "0.1")
    assert code == 2
    assert "adaptive.tolerance: 0.002 in the file, 0.1 now" in errors
