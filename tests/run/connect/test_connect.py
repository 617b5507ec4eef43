"""Runs of `landscape connect`: the curve found, interruptions, and what is refused."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.config.loading import load_config
from landscape_cli.errors import LandscapeError, StoreError, UsageError
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.problem import Problem
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.run.connect.compute import ConnectRun
from landscape_cli.run.connect.request import Request
from landscape_cli.store.curve_file import read_curve, read_curve_points

INPUTS = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """A network with batch norm and dropout, so that steps draw random numbers."""

    def __init__(self, width=5):
        super().__init__()
        self.first = nn.Linear(3, width)
        self.norm = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout(0.3)
        self.last = nn.Linear(width, 1)

    def forward(self, inputs):
        return self.last(self.dropout(self.norm(self.first(inputs)).relu()))


def squared_error(model, batch):
    inputs, targets = batch
    return {"loss": ((model(inputs) - targets) ** 2).mean(1)}


def problem(objective=squared_error, model=None):
    targets = INPUTS.prod(1, keepdim=True)
    return Problem(model or Net(), {"train": TensorDataset(INPUTS, targets)}, objective)


@pytest.fixture
def ends(tmp_path, monkeypatch):
    """Write two checkpoints and a configuration, and go there."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate("ab"):
        torch.manual_seed(seed)
        torch.save(Net().state_dict(), f"{name}.pt")
    (tmp_path / "run.yaml").write_text("problem: own:build\ngrid: {x: [0, 1, 5]}\nthreads: 1\n")
    return CheckpointPath("a.pt"), CheckpointPath("b.pt")


def connect(ends, tmp_path, name="ab.curve.h5", own=None, stop=None, resume=False, **options):
    request = Request(**{"epochs": 4, "batch_size": 8, **options})
    config = load_config("run.yaml", {})
    run = ConnectRun(
        config, request, ends, tmp_path / name, quiet=True, problem=own or problem(), stop=stop
    )
    return run.compute(resume=resume)


def points(path):
    return read_curve_points(path, read_curve(path)).points


def assert_same(one, other):
    for first, second in zip(points(one), points(other), strict=True):
        for name, array in first.items():
            np.testing.assert_array_equal(array, second[name])
    for field in ("losses", "places"):
        np.testing.assert_array_equal(
            getattr(read_curve(one), field), getattr(read_curve(other), field)
        )


@pytest.mark.parametrize(("shape", "bends"), [("bezier", 1), ("chain", 1), ("chain", 3)])
def test_both_ends_stay_and_the_loss_falls(ends, tmp_path, shape, bends):
    outcome = connect(ends, tmp_path, shape=shape, bends=bends, epochs=30, momentum=0.5)
    record = outcome.record
    assert (record.complete, record.done, record.bends) == (True, 150, bends)
    found = points(outcome.path)
    for end, where in ((ends[0], 0), (ends[1], -1)):
        for name, array in found[where].items():
            np.testing.assert_array_equal(array, torch.load(end.path)[name].numpy())
    assert record.losses[-50:].mean() < record.losses[:50].mean()
    assert record.ends == ("a.pt", "b.pt")
    assert record.facts.length >= record.facts.straight > 0


class Stopping:
    """An objective that asks for a stop at one of its calls."""

    def __init__(self, stop, call):
        self.stop, self.left = stop, call

    def __call__(self, model, batch):
        self.left -= 1
        if not self.left:
            self.stop.ask("SIGTERM")
        return squared_error(model, batch)


@pytest.mark.parametrize("calls", [[1], [5], [7, 4, 1]])
def test_an_interrupted_training_continues_with_the_same_bits(ends, tmp_path, calls):
    whole = connect(ends, tmp_path, "whole.curve.h5", bends=2)
    for call in calls:
        stop = Stop()
        own = problem(Stopping(stop, call))
        outcome = connect(ends, tmp_path, "parts.curve.h5", own, stop, bends=2)
        assert outcome.stopped == "SIGTERM"
        assert not outcome.record.complete
    done = connect(ends, tmp_path, "parts.curve.h5", resume=True, bends=2)
    assert done.computed
    assert done.record.complete
    assert_same(whole.path, done.path)
    again = connect(ends, tmp_path, "parts.curve.h5", bends=2)
    assert not again.computed


def test_a_time_limit_stops_in_time(ends, tmp_path):
    outcome = connect(ends, tmp_path, stop=Stop(0.0))
    assert outcome.stopped == "the time limit"
    assert outcome.record.done == 0


def test_the_straight_line_needs_no_training(ends, tmp_path):
    outcome = connect(ends, tmp_path, bends=0)
    assert outcome.record.complete
    assert len(points(outcome.path)) == 2
    assert outcome.record.facts.length == pytest.approx(outcome.record.facts.straight)


def test_seeds_and_their_callers_random_numbers(ends, tmp_path):
    own = problem()
    before = torch.get_rng_state()
    connect(ends, tmp_path, "one.curve.h5", own)
    assert torch.equal(torch.get_rng_state(), before)
    connect(ends, tmp_path, "same.curve.h5")
    connect(ends, tmp_path, "other.curve.h5", seed=1)
    assert_same("one.curve.h5", "same.curve.h5")
    assert (read_curve("one.curve.h5").places != read_curve("other.curve.h5").places).all()


class Exploding(nn.Module):
    """A network whose loss is not finite after some steps in training mode."""

    def __init__(self, steps):
        super().__init__()
        self.net, self.left = Net(), steps

    def forward(self, inputs):
        self.left -= 1
        return self.net(inputs) if self.left > 0 else self.net(inputs) / 0


@pytest.mark.parametrize(
    ("steps", "kept"), [(3, "the straight line, since no epoch was complete"), (8, "best epoch")]
)
def test_a_training_that_diverges_keeps_its_best_curve(ends, tmp_path, steps, kept):
    for name in "ab":
        state = {f"net.{key}": value for key, value in torch.load(f"{name}.pt").items()}
        torch.save(state, f"{name}.pt")
    with pytest.raises(LandscapeError, match=kept) as error:
        connect(ends, tmp_path, own=problem(model=Exploding(steps)))
    assert f"in step {steps} of 20" in str(error.value)
    record = read_curve("ab.curve.h5")
    assert record.complete
    assert record.done == steps - 1
    middle = points("ab.curve.h5")[1]["net.first.weight"]
    halves = [torch.load(f"{name}.pt")["net.first.weight"].numpy() / 2 for name in "ab"]
    straight = np.allclose(middle, sum(halves), atol=1e-6)
    assert straight == (steps == 3)
    if steps == 8:  # five steps are an epoch, which is the best of one
        stop = Stop()
        own = problem(Stopping(stop, 5), Exploding(1000))
        connect(ends, tmp_path, "five.curve.h5", own, stop)
        np.testing.assert_array_equal(middle, points("five.curve.h5")[1]["net.first.weight"])
        assert math.isclose(record.best, record.losses[:5].mean())


def test_identical_ends_are_refused(ends, tmp_path):
    with pytest.raises(UsageError, match=r"--to: a\.pt has the same weights as a\.pt"):
        connect((ends[0], ends[0]), tmp_path)
    assert not (tmp_path / "ab.curve.h5").exists()


def test_another_network_is_refused(ends, tmp_path):
    torch.save(Net(6).state_dict(), "b.pt")
    with pytest.raises(LandscapeError, match=r"b\.pt"):
        connect(ends, tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": 0.1}, "rate: 0.05 in the file, 0.1 now"),
        ({"shape": "chain"}, "shape: 'bezier' in the file, 'chain' now"),
        ({"epochs": 5}, "epochs: 4 in the file, 5 now"),
    ],
)
def test_other_settings_do_not_continue_a_file(ends, tmp_path, options, words):
    connect(ends, tmp_path)
    with pytest.raises(StoreError, match=words):
        connect(ends, tmp_path, **options)


def test_other_weights_do_not_continue_a_file(ends, tmp_path):
    connect(ends, tmp_path)
    torch.save(Net().state_dict(), "b.pt")
    with pytest.raises(StoreError, match="--to: another checkpoint than in the file"):
        connect(ends, tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.pt", "would replace a.pt, which the run reads"), ("run.yaml", "is there already")],
)
def test_other_files_are_not_replaced(ends, tmp_path, name, words):
    before = (tmp_path / name).read_bytes()
    with pytest.raises(LandscapeError, match=words):
        connect(ends, tmp_path, name)
    assert (tmp_path / name).read_bytes() == before


def test_a_missing_split_is_refused(ends, tmp_path):
    with pytest.raises(UsageError, match="the problem has no split 'valid'; it has train"):
        connect(ends, tmp_path, split="valid")


def test_resume_needs_a_file(ends, tmp_path):
    with pytest.raises(StoreError, match="--resume: there is no"):
        connect(ends, tmp_path, resume=True)
