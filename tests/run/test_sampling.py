"""Runs whose points take as many samples as they need, from the command line."""

import json
import re

import numpy as np
import pytest

from landscape_cli.records.levels import level_of_points
from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface
from support.processes import kill_group, wait_until
from support.surfaces import assert_same_bits, forget

GRID = {"x": [-4, 4, 17], "y": [-4, 4, 15]}
MANY = {"problem_args": {"samples": 3000}, "splits": ["train"]}
TOLERANCE = 0.01


@pytest.fixture(scope="module")
def serial(new_workplace):
    """Compute the surface in one process, without MPI."""
    place = new_workplace("serial")
    return place.surface(place.config(grid=GRID, sampling=TOLERANCE, **MANY))


@pytest.mark.bits
def test_errors_are_those_that_the_tolerance_allows(workplace, serial):
    whole = workplace.surface(workplace.config(grid=GRID, **MANY)).values["train", "loss"]
    taken = serial.samples["train"]
    anchors = level_of_points(serial.grid.shape) == 0
    assert serial.complete
    assert (taken[anchors] == 3000).all()
    assert taken.min() >= 64
    assert taken.mean() < 1500
    extent = np.ptp(whole[anchors])
    errors = np.abs(serial.values["train", "loss"] - whole) / extent
    assert (errors[taken == 3000] < 1e-12).all()
    assert 1e-4 < errors.max() < 4 * TOLERANCE
    assert np.sqrt((errors[taken < 3000] ** 2).mean()) < TOLERANCE
    facts = serial.provenance["sampled"]
    points = facts["checked"]["points"]
    assert len(points) == 16
    before = np.array(facts["checked"]["values"]["train/loss"])
    true = np.abs(before - whole.ravel()[points]) / extent
    assert facts["error"]["train/loss"] == pytest.approx(true.max(), rel=1e-9)
    assert (taken.ravel()[points] == 3000).all()


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 4))])
def test_surfaces_are_the_same_on_any_number_of_ranks(workplace, serial, ranks):
    config = workplace.config(grid=GRID, **MANY)
    done = workplace.run("compute", config, "--sampling", "0.01", ranks=ranks)
    assert done.returncode == 0, done.stderr
    surface = read_surface("surface.h5")
    assert_same_bits(surface, serial)
    assert surface.samples["train"].tobytes() == serial.samples["train"].tobytes()


@pytest.mark.bits
@pytest.mark.slow
@pytest.mark.parametrize(
    ("ranks", "share"),
    [(None, 0.02), (None, 1.0), pytest.param(2, 0.5, marks=pytest.mark.mpi)],
)
def test_a_killed_run_is_continued_to_the_same_bits(workplace, ranks, share, monkeypatch):
    """Among the anchors, in the midst, and while points are checked."""
    slow = {"seconds": 0.01 * (ranks or 1), "samples": 1000}
    config = workplace.config("example:slow", grid=GRID, sampling=0.05, problem_args=slow)
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    serial = workplace.surface(config)
    (workplace.folder / "surface.h5").unlink()
    monkeypatch.delenv("EXAMPLE_SECONDS")
    process = workplace.start("compute", config, ranks=ranks)
    path = workplace.folder / "surface.h5"

    def far_enough():
        if not path.exists():
            return False
        surface = read_surface(path)
        done = np.isin(surface.status, (Status.OK, Status.INTERPOLATED)).mean()
        return "checked" in surface.provenance.get("sampled", {}) if share == 1 else done > share

    wait_until(process, far_enough)
    kill_group(process)
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    done = workplace.run("compute", config, "--resume", ranks=ranks)
    assert done.returncode == 0, done.stderr
    surface = read_surface(path)
    assert_same_bits(surface, serial)
    assert surface.samples["train"].tobytes() == serial.samples["train"].tobytes()
    assert surface.provenance["sampled"] == serial.provenance["sampled"]


@pytest.mark.bits
def test_a_run_interrupted_while_points_are_checked_interpolates_the_same(workplace):
    """Interpolation uses the values before the check, however often the file is opened."""
    keys = {"grid": GRID, "sampling": 0.05, "adaptive": {"tolerance": 0.02}}
    config = workplace.config("example:digits_network", splits=["train"], **keys)
    serial = workplace.surface(config)
    points = serial.provenance["sampled"]["checked"]["points"]
    assert points
    assert serial.interpolated
    assert 64 <= serial.samples["train"][serial.samples["train"] > 0].min() < 130
    for part in (points, points[::2]):
        forget("surface.h5", part)
        again = workplace.surface(config)
        assert_same_bits(again, serial)
        assert again.samples["train"].tobytes() == serial.samples["train"].tobytes()
        assert again.provenance["sampled"] == serial.provenance["sampled"]


def test_run_info_and_plot_tell_of_the_samples(workplace, landscape):
    config = workplace.config(grid=GRID, sampling=TOLERANCE, **MANY)
    _, _, errors = landscape("compute", config)
    line = r"train: 64 to 3000 samples a point, mean \d+"
    assert "samples of a point: 64, 128, 256, ... until the standard error is below 1 %" in errors
    assert re.search(line, errors)
    assert re.search(r"16 points evaluated on all samples differ .* train loss [0-9.]+ %", errors)
    _, shown, _ = landscape("info", "surface.h5")
    assert re.search(f"samples: +{line}", shown)
    assert re.search(r"^ {12}16 points evaluated", shown, re.MULTILINE)
    taken = read_surface("surface.h5").samples["train"]
    assert landscape("plot", "surface.h5", "--quantity", "samples", "-o", "samples.svg")[0] == 0
    assert landscape("plot", "surface.h5", "-o", "a.svg")[0] == 0
    with open("a.svg") as file:
        text = " ".join(file.read().split())
    assert f"64 to 3000 samples a point, mean {taken.mean():.0f}" in text
    code, again, _ = landscape("compute", config)
    assert code == 0
    assert "nothing to do" in again


def test_with_adaptive_held_out_points_take_all_samples(workplace, landscape):
    config = workplace.config(grid={"x": [-4, 4, 33], "y": [-4, 4, 31]}, **MANY)
    code, _, errors = landscape("compute", config, "--adaptive", "0.02", "--sampling", "0.005")
    assert code == 0, errors
    surface = read_surface("surface.h5")
    assert surface.complete
    taken, interpolated = surface.samples["train"], surface.status == Status.INTERPOLATED
    assert interpolated.any()
    assert (taken[interpolated] == 0).all()
    assert (taken[~interpolated] >= 64).all()
    whole = workplace.surface(config, "--output", "surface.h5", "--overwrite").values[
        "train", "loss"
    ]
    error = np.abs(surface.values["train", "loss"] - whole).max() / np.ptp(whole)
    assert error < 0.03
    facts = surface.provenance["sampled"]
    points, before = facts["checked"]["points"], facts["checked"]["values"]["train/loss"]
    assert facts["checked"]["held_out"]
    assert 8 <= len(points) <= surface.provenance["adaptive"]["held_out"]
    assert (taken.ravel()[points] == 3000).all()
    true = np.abs(np.array(before) - whole.ravel()[points])
    anchors = level_of_points(whole.shape) == 0
    assert facts["error"]["train/loss"] == pytest.approx(true.max() / np.ptp(whole[anchors]))
    assert re.search(r"with 95 % confidence \d+ % of points drawn at random err by less", errors)


OUTLIER = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.evaluation.data.subsets import mix
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error


def build():
    '''All samples are alike but one, which is the last to be evaluated.'''
    torch.manual_seed(0)
    inputs = torch.ones(500, 1)
    inputs[mix(500, None)[-1]] = 100
    data = TensorDataset(inputs, torch.zeros(500, 1))
    return Problem(nn.Linear(1, 1), {"train": data}, mean_squared_error)
"""


def test_what_the_first_samples_hide_is_found_and_all_are_evaluated(workplace, landscape):
    workplace.write("outlier.py", OUTLIER)
    config = workplace.config("outlier:build", grid=GRID)
    whole = workplace.surface(config).values["train", "loss"]
    code, _, errors = landscape("compute", config, "--sampling", "0.005", "-o", "sampled.h5")
    assert code == 0, errors
    surface = read_surface("sampled.h5")
    assert surface.provenance["sampled"]["halvings"] == 5
    assert (surface.samples["train"] == 500).all()
    np.testing.assert_allclose(surface.values["train", "loss"], whole, rtol=1e-6)
    assert "train: all 500 samples a point" in errors


def test_each_repeat_has_numbers_of_its_own(workplace, landscape):
    config = workplace.config(grid=GRID, sampling=0.05, repeats=2, **MANY)
    assert landscape("compute", config)[0] == 0
    surface = read_surface("surface.h5")
    assert surface.complete
    assert surface.samples["train"].shape == (2, 15, 17)
    assert json.loads(landscape("info", "surface.h5", "--json")[1])["complete"]


def test_fast_is_a_preset_that_other_options_change(workplace, landscape):
    config = workplace.config(grid=GRID, **MANY)
    assert landscape("compute", config, "--fast", "--adaptive", "0.05")[0] == 0
    made = read_surface("surface.h5").config
    assert made["adaptive"]["tolerance"] == 0.05
    assert made["sampling"] == 0.005
    assert made["precision"] == "auto"
    assert landscape("compute", config, "--fast", "--set", "sampling=0.1", "-o", "b.h5")[0] == 0
    assert read_surface("b.h5").config["sampling"] == 0.1


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"sampling": 0}, "sampling: Input should be greater than 0, got 0"),
        ({"sampling": 0.01, "target_stderr": 0.1}, "which excludes sampling: 0.01"),
        ({"sampling": 0.01, "shard": "1/2"}, "which sampling needs; drop one of the two"),
        ({"sampling": 0.01, "problem": "example:augmented"}, ""),
    ],
)
def test_invalid_settings_are_reported_in_one_line(workplace, landscape, keys, words):
    code, _, errors = landscape("compute", workplace.config(**{"grid": GRID, **keys}))
    assert code == 2
    last = errors.splitlines()[-1]
    assert last.startswith("landscape: ")
    assert words in last


def test_another_tolerance_is_another_configuration(workplace, landscape):
    config = workplace.config(grid=GRID, sampling=0.05, **MANY)
    assert landscape("compute", config)[0] == 0
    code, _, errors = landscape("compute", config, "--sampling", "0.1")
    assert code == 2
    assert "sampling: 0.05 in the file, 0.1 now" in errors
