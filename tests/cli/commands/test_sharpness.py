"""`landscape sharpness`, mostly in this process, on losses whose sharpness is known."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from landscape_cli.evaluation.sharpness import MEASURES
from landscape_cli.evaluation.sharpness.ascent_in_ball import RANDOM_START
from landscape_cli.evaluation.sharpness.base import ZERO_GRADIENT
from landscape_cli.store.reports.sharpness_file import read_sharpness

OUTPUT = "surface.sharpness.json"
"""The file, unless a test names another."""

PROBLEMS = """
import os, signal, time
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy

CURVATURES = torch.tensor([1.0, 2.0, 5.0, 9.0], dtype=torch.float64)
WEIGHTS = torch.tensor([0.5, -2.0, 1.0, 0.25], dtype=torch.float64)

class Place(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(WEIGHTS.clone())

def data(samples=30, shift=0.0):
    generator = torch.Generator().manual_seed(0)
    return TensorDataset(torch.randn(samples, 2, generator=generator, dtype=torch.float64) + shift)

def bowl(slope=0.0, height=1.0, limit=None):
    '''height + slope.z + z'Hz / 2 at an offset z, for every sample.'''
    if os.environ.get("NAN_LOSS"):
        height = float("nan")
    def objective(model, batch):
        z = model.w - WEIGHTS.to(model.w.device)
        loss = height + slope * z.sum() + (CURVATURES.to(z.device) * z**2).sum() / 2
        if limit is not None and float(z.detach().norm()) > limit:
            loss = loss * float("nan")
        return {"loss": loss + 0 * batch[0][:, 0]}
    return Problem(Place(), {"train": data()}, objective)

def network(shift=0.0, stop_after=None, seconds=0.0):
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    inputs = data(shift=shift).tensors[0]
    labels = torch.arange(len(inputs)) % 3
    centre, calls = model[0].weight.detach().clone(), []
    def objective(model, batch):
        if not torch.equal(model[0].weight.cpu(), centre):
            calls.append(1)
            time.sleep(seconds)
            if os.environ.get("STOP_AFTER") == str(len(calls)):
                os.kill(os.getpid(), signal.SIGTERM)
        return cross_entropy(model, batch)
    splits = {"train": TensorDataset(inputs, labels), "test": TensorDataset(inputs[:9], labels[:9])}
    return Problem(model, splits, objective)

def saved():
    torch.save({"w": WEIGHTS + 0.1}, "other.pt")
"""

CURVATURES = np.array([1.0, 2.0, 5.0, 9.0])
WEIGHTS = np.array([0.5, -2.0, 1.0, 0.25])


@pytest.fixture
def place(workplace, monkeypatch):
    workplace.write("known.py", PROBLEMS)
    monkeypatch.delitem(sys.modules, "known", raising=False)
    return workplace


@pytest.fixture
def sharpness(place, landscape):
    """Run the command on a problem; returns code, output, errors."""

    def run(problem, *arguments, **keys):
        config = place.config(f"known:{problem}", batch_size=8, **keys)
        return landscape("sharpness", config, *arguments)

    return run


def values(name=OUTPUT):
    return {entry.key: entry.value for entry in read_sharpness(name).entries}


def settled(name=OUTPUT):
    """Return what a file states that must not depend on ranks and interruptions."""
    facts = json.loads(Path(name).read_text())
    del facts["config"], facts["provenance"]
    for entry in facts["entries"]:
        del entry["seconds"]
    return facts


def test_every_measure_of_a_quadratic(sharpness):
    slope = 0.2
    options = ("--steps", 60, "--draws", 300)
    code, out, errors = sharpness("bowl", *options, problem_args={"slope": slope})
    assert code == 0, errors
    record = read_sharpness(OUTPUT)
    found = values()
    assert record.loss == 1.0
    assert record.gradient_norm == pytest.approx(slope * 2)
    assert record.weight_norm == pytest.approx(np.linalg.norm(WEIGHTS))
    assert record.parameters == 4
    assert record.complete

    def rise(step):
        return slope * step.sum() + (CURVATURES * step**2).sum() / 2

    assert found["sam", 0.05] == pytest.approx(rise(np.full(4, 0.05 / 2)), rel=1e-12)
    adaptive = 0.5 * WEIGHTS**2 / np.linalg.norm(WEIGHTS)
    assert found["adaptive_sam", 0.5] == pytest.approx(rise(adaptive), rel=1e-12)
    corner = 0.001 * np.abs(WEIGHTS)
    assert found["worst_inf", 0.001] == pytest.approx(rise(corner), rel=1e-9)
    for size in (0.001, 0.0005):
        box = size * (np.abs(WEIGHTS) + 1)
        assert found["keskar", size] == pytest.approx(100 * rise(box) / 2, rel=1e-6)
    mean = 0.1**2 * (CURVATURES * WEIGHTS**2).sum() / 2
    average = record.entry(("average", 0.1))
    assert abs(average.value - mean) < 4 * average.stderr < 2 * mean
    assert found["ascent", 0.05] >= found["sam", 0.05]
    assert found["worst_2", 0.5] >= found["adaptive_sam", 0.5]
    assert f"SAM, one step             rho 0.05        {found['sam', 0.05]:.6g}\n" in out
    assert f"average adaptive          rho 0.1         {average.value:.6g} ± " in out
    assert "loss 1, norm of its gradient 0.4\n" in out
    assert "sharpness of Place: 4 parameters, 30 samples of train" in errors


def test_at_a_minimum_steps_are_undefined_and_ascents_start_at_random(sharpness):
    code, out, errors = sharpness("bowl", "--steps", 80)
    assert code == 0, errors
    record, found = read_sharpness(OUTPUT), values()
    for key in (("sam", 0.05), ("adaptive_sam", 0.5)):
        assert found[key] == 0.0
        assert record.entry(key).note == ZERO_GRADIENT
    assert found["ascent", 0.05] == pytest.approx(0.05**2 * 9 / 2, rel=1e-9)
    exact = 0.5**2 * (CURVATURES * WEIGHTS**2).max() / 2
    assert found["worst_2", 0.5] == pytest.approx(exact, rel=1e-9)
    assert record.entry(("ascent", 0.05)).note == RANDOM_START
    assert f"SAM, one step: {ZERO_GRADIENT}" in out


def test_radii_measures_and_samples_are_chosen(sharpness):
    options = ("--measure", "sam", "--measure", "keskar", "--epsilon", 0.01, "--split", "test")
    code, _, errors = sharpness("network", *options, "--rho", 0.1, "--rho", 0.2, "--samples", 6)
    assert code == 0, errors
    assert list(values()) == [("sam", 0.1), ("sam", 0.2), ("keskar", 0.01)]
    assert "6 samples of test" in errors
    stored = read_sharpness(OUTPUT).provenance
    assert stored["splits"]["test"]["samples"] == 6
    assert stored["request"]["split"] == "test"
    assert stored["runs"][0]["mpi"]["size"] == 1


def test_a_file_gets_the_measures_that_it_lacks(sharpness):
    assert sharpness("network", "--measure", "sam")[0] == 0
    before = read_sharpness(OUTPUT).entries
    code, _, errors = sharpness("network", "-o", OUTPUT)
    assert code == 0, errors
    after = read_sharpness(OUTPUT)
    assert after.entries[: len(before)] == before
    assert {name for name, _ in values()} == set(MEASURES)
    assert len(after.provenance["runs"]) == 2
    content = Path(OUTPUT).read_text()
    code, out, _ = sharpness("network")
    assert code == 0
    assert "surface.sharpness.json has all of this; nothing to do" in out
    assert Path(OUTPUT).read_text() == content
    assert sharpness("network", "--overwrite", "--measure", "average")[0] == 0
    assert {name for name, _ in values()} == {"average"}


def test_the_file_is_printed_as_json(sharpness):
    code, out, _ = sharpness("network", "--json", "--measure", "sam")
    assert code == 0
    assert json.loads(out) == json.loads(Path(OUTPUT).read_text())
    assert json.loads(out)["entries"][0]["source"].startswith("Foret et al. 2021")


def test_a_stopped_run_keeps_what_is_finished_and_is_continued(sharpness, monkeypatch):
    assert sharpness("network", "-o", "whole.json")[0] == 0
    monkeypatch.delitem(sys.modules, "known")
    monkeypatch.setenv("STOP_AFTER", "200")
    code, out, errors = sharpness("network")
    assert code == 75, errors
    assert "stopped by SIGTERM; the same command continues: landscape " in out
    kept = read_sharpness(OUTPUT)
    assert not kept.complete
    assert 0 < len(kept.entries) < len(read_sharpness("whole.json").entries)
    monkeypatch.delitem(sys.modules, "known")
    monkeypatch.delenv("STOP_AFTER")
    assert sharpness("network")[0] == 0
    assert settled() == settled("whole.json")
    assert read_sharpness(OUTPUT).entries[: len(kept.entries)] == kept.entries


def test_a_time_limit_stops_between_two_sums(sharpness):
    code, out, errors = sharpness(
        "network", "--time-limit", "2s", problem_args={"seconds": 0.02}, splits=["train"]
    )
    assert code == 75, errors
    assert "stopped by the time limit" in out


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("ranks", [2, 4])
def test_numbers_are_the_same_bits_on_any_number_of_ranks(sharpness, place, ranks):
    few = ("--steps", 4, "--draws", 8)
    assert sharpness("network", "-o", "alone.json", "--set", "threads=1", *few)[0] == 0
    done = place.run("sharpness", "run.yaml", "-o", "ranks.json", *few, ranks=ranks)
    assert done.returncode == 0, done.stderr
    assert settled("ranks.json") == settled("alone.json")
    assert read_sharpness("ranks.json").provenance["runs"][0]["mpi"]["size"] == ranks


@pytest.mark.mpi
@pytest.mark.slow
def test_an_error_on_ranks_is_one_line(place):
    config = place.config("known:bowl", problem_args={"height": -2.0})
    measures = ("--measure", "sam", "--measure", "keskar")
    done = place.run("sharpness", config, *measures, ranks=2)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("landscape: ")]
    assert len(lines) == 1
    assert "Keskar's metric divides by 1 + L, and L is -2; leave keskar out" in lines[0]
    assert list(values()) == [("sam", 0.05)]


def test_a_loss_that_is_not_finite_nearby_is_said(sharpness):
    code, out, errors = sharpness(
        "bowl", "--measure", "sam", problem_args={"slope": 0.1, "limit": 0.01}
    )
    assert code == 0, errors
    assert np.isnan(values()["sam", 0.05])
    assert json.loads(Path(OUTPUT).read_text())["entries"][0]["value"] == "nan"
    assert "SAM, one step  rho 0.05  nan\n" in out


@pytest.mark.parametrize(
    ("options", "keys", "words"),
    [
        (["--measure", "flat"], {}, "'flat' is not one of 'sam', 'ascent'"),
        (["--rho", "0"], {}, "--rho: got 0, expected a positive number"),
        (["--rho", "nan"], {}, "--rho: got nan, expected a positive number"),
        (["--epsilon", "inf"], {}, "--epsilon: got inf, expected a positive number"),
        (["--measure", "sam", "--epsilon", "1"], {}, "--epsilon 1: none of sam has such a radius"),
        (["--measure", "keskar", "--rho", "1"], {}, "--rho 1: none of keskar has such a radius"),
        (["--steps", "0"], {}, "0 is not in the range x>=1"),
        (["--draws", "1"], {}, "1 is not in the range x>=2"),
        (["--seed", "-1"], {}, "-1 is not in the range"),
        (["--split", "val"], {}, "val"),
        (["--quantity", "bleu"], {}, "no 'bleu' to differentiate, but loss"),
        (["--time-limit", "soon"], {}, "time_limit: got"),
        (["-o", "run.yaml"], {}, "would replace run.yaml, which the run reads"),
        (["-o", "."], {}, "is a folder; name a file in it"),
        (["-o", "example.py"], {}, "is no sharpness file ("),
        (["--checkpoint", "none.pt"], {}, "none.pt"),
        ([], {"precision": "bf16"}, "precision: got 'bf16', but sharpness needs fp32"),
        ([], {"batch_norm": "recalibrate"}, "batch_norm: recalibrate: "),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(sharpness, place, options, keys, words):
    before = {path.name for path in place.folder.iterdir()} | {"run.yaml", "__pycache__"}
    code, out, errors = sharpness("bowl", *options, **keys)
    assert code == 2, errors
    assert out == ""
    line = errors.splitlines()[-1]
    assert words in line
    assert "Traceback" not in errors
    assert {path.name for path in place.folder.iterdir()} <= before
    assert (place.folder / "example.py").read_text().startswith('"""Problems')


def test_a_loss_that_is_not_finite_is_refused(sharpness, monkeypatch):
    monkeypatch.setenv("NAN_LOSS", "1")
    code, _, errors = sharpness("bowl")
    assert code == 2
    assert "nan" in errors.splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "keys", "words"),
    [
        (["--seed", 5], {}, "seed: 1 in the file, 5 now"),
        (["--steps", 5], {}, "steps: 20 in the file, 5 now"),
        (["--samples", 5], {}, "samples: None in the file, 5 now"),
        ([], {"problem_args": {"slope": 0.3}}, "problem_args"),
        (["--checkpoint", "other.pt"], {}, "checkpoint: other.pt has changed"),
    ],
)
def test_other_numbers_are_not_added_to_a_file(sharpness, options, keys, words):
    assert sharpness("bowl", "--measure", "sam")[0] == 0
    import known

    known.saved()
    before = Path(OUTPUT).read_text()
    code, _, errors = sharpness("bowl", *options, **keys)
    assert code == 2
    assert "was made with another configuration (" in errors
    assert words in errors
    assert Path(OUTPUT).read_text() == before
    assert sharpness("bowl", "--overwrite", *options, **keys)[0] == 0


def test_other_data_are_not_added_to_a_file(sharpness, monkeypatch):
    assert sharpness("network", "--measure", "sam")[0] == 0
    import known

    monkeypatch.setattr(known.network, "__defaults__", (1.0, None, 0.0))
    code, _, errors = sharpness("network")
    assert code == 2
    assert "the data of train has changed" in errors


def test_help_defines_every_measure(landscape):
    code, out, _ = landscape("sharpness", "--help")
    assert code == 0
    for name in MEASURES:
        assert f"\n    {name:<13} " in out
    assert "Kwon et al. 2021 (arXiv 2102.11600)" in out
