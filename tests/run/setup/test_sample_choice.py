"""Runs that choose samples for a standard error, from configuration to file."""

import numpy as np
import pytest

from landscape_cli.config.loading import load_config
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run import compute
from landscape_cli.store import read_surface, write_surface

PROBLEM = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error


def build(samples=6000, kind="data set"):
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(samples, 3, generator=generator)
    targets = torch.randn(samples, 1, generator=generator)
    torch.manual_seed(1)
    model = nn.Linear(3, 1)
    data = TensorDataset(inputs, targets)
    splits = {"train": data, "test": TensorDataset(inputs[:40], targets[:40])}
    if kind == "list":
        splits = {"train": [(inputs, targets)]}
    return Problem(model, splits, overflowing if kind == "overflowing" else mean_squared_error)


def overflowing(model, batch):
    loss = mean_squared_error(model, batch)["loss"]
    far = model.weight.sum() - START > 0.2
    return {"loss": loss / 0 if far else loss}


torch.manual_seed(1)
START = nn.Linear(3, 1).weight.sum().item()
"""

GRID = {"x": [-1, 1, 3], "y": [-1, 1, 3]}
CORNERS = (slice(None, None, 2),) * 2


@pytest.fixture
def run(workplace):
    workplace.write("spread.py", PROBLEM)

    def run(output="surface.h5", kind="data set", **keys):
        name = workplace.config(
            "spread:build", grid=GRID, output=output, problem_args={"kind": kind}, **keys
        )
        outcome = compute(load_config(name), SerialExecutor(), command=["test"])
        return read_surface(outcome.surface)

    return run


@pytest.mark.parametrize("target", [0.05, 0.1, 0.2])
def test_standard_errors_meet_the_target(run, target):
    """With these tails, a standard error from a pilot of 1024 samples is off by about 5 %."""
    surface = run(target_stderr=target)
    errors = surface.stderr["train", "loss"]
    chosen = surface.provenance["sampling"]["splits"]["train"]
    assert 64 < chosen["samples"] < 6000
    assert surface.provenance["splits"]["train"]["samples"] == chosen["samples"]
    assert chosen["pilot"] == 1024
    assert len(chosen["variances"]) == len(surface.provenance["sampling"]["points"]) == 5
    assert max(errors[1, 1], errors[CORNERS].max()) == pytest.approx(target, rel=0.15)
    away = np.abs(surface.values["train", "loss"] - run("whole.h5").values["train", "loss"])
    assert (away < 4 * errors).all()


def test_with_the_whole_split_as_pilot_the_error_is_exact(run):
    surface = run(target_stderr=1e-4)
    for split, total in (("test", 40), ("train", 6000)):
        chosen = surface.provenance["sampling"]["splits"][split]
        assert (chosen["samples"], chosen["total"]) == (total, total)
    errors = surface.stderr["test", "loss"]
    expected = max(errors[1, 1], errors[CORNERS].max())
    assert surface.provenance["sampling"]["splits"]["test"]["stderr"] == pytest.approx(expected)


def test_the_choice_is_reported_in_a_line(run, capsys):
    surface = run(target_stderr=0.1)
    splits = surface.provenance["sampling"]["splits"]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "standard error" in line]
    assert line == (
        "samples for a standard error of 0.1 (loss, centre and corners): "
        f"{splits['train']['samples']} of 6000 train, "
        f"all 40 test (standard error {splits['test']['stderr']:.2g})"
    )


def test_non_finite_corners_cause_a_warning(run, capsys):
    surface = run(kind="overflowing", target_stderr=0.1, splits=["train"])
    variances = surface.provenance["sampling"]["splits"]["train"]["variances"]
    skipped = [place for place, variance in enumerate(variances) if variance is None]
    assert 0 < len(skipped) < 4
    assert np.isinf(surface.values["train", "loss"]).any()
    text = capsys.readouterr().err
    points = surface.provenance["sampling"]["points"]
    places = ", ".join("({:g}, {:g})".format(*points[place]) for place in skipped)
    assert f"warning: train loss has no finite variance at {places}; " in text


@pytest.mark.bits
def test_a_continued_run_keeps_its_choice(run):
    first = run(target_stderr=0.1)
    first.provenance["sampling"]["splits"]["train"]["variances"][0] = 123.0
    first.status.ravel()[-4:] = 0
    write_surface("surface.h5", first)
    second = run(target_stderr=0.1)
    assert second.complete
    assert second.provenance["sampling"] == first.provenance["sampling"]
    for name, values in first.values.items():
        np.testing.assert_array_equal(second.values[name], values)
    with pytest.raises(StoreError, match=r"target_stderr: 0.1 in the file, 0.2 now"):
        run(target_stderr=0.2)


def test_samples_of_iterables_can_t_be_chosen(run):
    with pytest.raises(UsageError, match="target_stderr: split 'train' is a list, whose"):
        run(kind="list", target_stderr=0.1)


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.slow
def test_ranks_choose_the_same_samples_with_any_cache(workplace, landscape):
    workplace.write("spread.py", PROBLEM)
    config = workplace.config("spread:build", grid=GRID, target_stderr=0.1)
    surfaces = []
    for number, (ranks, cache) in enumerate([(None, "device"), (1, "none"), (2, "none")]):
        output = f"{number}.h5"
        command = "compute", config, "-o", output, "--cache", cache
        if ranks is None:
            code, _, errors = landscape(*command, "--set", "threads=1")
        else:
            done = workplace.run(*command, ranks=ranks)
            code, errors = done.returncode, done.stderr
        assert code == 0, errors
        said = "data: train at the source, read for each tile" in errors
        assert said == (cache == "none")
        surfaces.append(read_surface(output))
        for place in surfaces[-1].provenance["runs"][0]["ranks"]:
            assert place["data"] == {"train": cache, "test": cache}
    first, *others = surfaces
    for other in others:
        assert other.provenance["sampling"] == first.provenance["sampling"]
        for name, values in first.values.items():
            np.testing.assert_array_equal(other.values[name], values)
            np.testing.assert_array_equal(other.stderr[name], first.stderr[name])
