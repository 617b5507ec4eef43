"""`landscape connect` as a user calls it: two networks trained on digits, and the curve between."""

import functools
import json
import sys

import numpy as np
import pytest
import torch

from landscape_cli.store import read_surface
from landscape_cli.store.curve_file import read_curve, read_curve_points

PROBLEM = """
import os, signal
import torch
from torch import nn
from torch.utils.data import TensorDataset
from sklearn.datasets import load_digits
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy

def data():
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)[:600]
    return TensorDataset(images, torch.tensor(digits.target)[:600])

def build(width=32, stop_after=0):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
    calls = []
    def objective(model, batch):
        calls.append(1)
        if len(calls) == int(os.environ.get("STOP_AFTER", "0")):
            os.kill(os.getpid(), signal.SIGTERM)
        return cross_entropy(model, batch)
    return Problem(model, {"train": data()}, objective)

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(64, 64)
        self.two = nn.Linear(64, 64)
        self.two.weight = self.one.weight
        self.last = nn.Linear(64, 10)

    def forward(self, inputs):
        return self.last(self.two(self.one(inputs).relu()).relu())

def tied():
    torch.manual_seed(0)
    return Problem(Tied(), {"train": data()}, cross_entropy)
"""


@functools.cache
def trained(name, seed):
    """Train a network of a problem until it fits, and return its weights."""
    import own

    problem = getattr(own, name)()
    torch.manual_seed(seed)
    for module in problem.model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    optimizer = torch.optim.Adam(problem.model.parameters(), 0.01)
    images, labels = problem.splits["train"].tensors
    for _ in range(60):
        for part in torch.split(torch.randperm(len(images)), 64):
            loss = torch.nn.functional.cross_entropy(problem.model(images[part]), labels[part])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert loss < 0.02
    return problem.model.state_dict()


@pytest.fixture
def networks(workplace, monkeypatch):
    """Write the problem, and two networks of it that fit their data."""
    workplace.write("own.py", PROBLEM)
    monkeypatch.delitem(sys.modules, "own", raising=False)
    for seed, name in enumerate("ab"):
        torch.save(trained("build", seed), workplace.folder / f"{name}.pt")
    workplace.config("own:build", grid={"x": [0, 1, 21]}, checkpoint="a.pt", threads=1)
    return workplace


ENDS = ("run.yaml", "--from", "a.pt", "--to", "b.pt")
SHORT = ("--epochs", 10, "--batch-size", 64, "--lr", 0.1, "-o", "ab.curve.h5")


def barrier(landscape, output, *settings):
    code, _, errors = landscape("compute", "run.yaml", *settings, "-o", output, "--overwrite")
    assert code == 0, errors
    code, out, errors = landscape("describe", output, "--json")
    assert code == 0, errors
    return json.loads(out)["numbers"][0]


def test_the_loss_along_a_curve_is_lower_than_on_the_straight_line(networks, landscape):
    code, out, errors = landscape("connect", *ENDS, *SHORT, "--epochs", 40)
    assert code == 0, errors
    assert "bezier with 1 bend from a.pt to b.pt" in errors
    assert f"wrote {networks.folder / 'ab.curve.h5'}" in out
    assert "400/400 steps" in errors
    line = {"directions.x": "{kind: checkpoint, path: b.pt}"}
    straight = barrier(landscape, "straight.h5", *(f"--set={k}={v}" for k, v in line.items()))
    curved = barrier(landscape, "curve.h5", "--set=slice={kind: curve, path: ab.curve.h5}")
    assert straight["barrier"]["x"]["height"] > 0.1
    assert curved["barrier"]["x"]["height"] < 0.2 * straight["barrier"]["x"]["height"]
    assert curved["curve"]["length"] > curved["curve"]["straight"]
    assert curved["curve"]["straight"] == pytest.approx(
        read_surface("straight.h5").provenance["checkpoints"][1]["distance"], rel=1e-5
    )


def test_what_info_says(networks, landscape):
    assert landscape("connect", *ENDS, *SHORT, "--curve", "chain", "--bends", 2)[0] == 0
    code, out, errors = landscape("info", "ab.curve.h5")
    assert code == 0, errors
    assert "chain with 2 bends from a.pt to b.pt" in out
    assert "100 of 100 steps (complete)" in out
    facts = json.loads(landscape("info", "ab.curve.h5", "--json")[1])
    record = read_curve("ab.curve.h5")
    assert facts["loss"] == pytest.approx(record.losses[-10:].mean())
    assert facts["length"] == pytest.approx(record.facts.length)
    assert "point0, point1, point2, point3" in landscape("info", "ab.curve.h5", "--verify")[1]
    code, out, _ = landscape("connect", *ENDS, *SHORT, "--curve", "chain", "--bends", 2)
    assert code == 0
    assert "complete with these settings; nothing to do" in out


def test_the_configuration_may_name_the_curve_that_is_trained(networks, landscape):
    networks.config(
        "own:build",
        checkpoint="a.pt",
        slice={"kind": "curve", "path": "ab.curve.h5"},
        grid={"x": [0, 1, 5]},
    )
    for arguments in (SHORT, (*SHORT, "--overwrite")):
        code, _, errors = landscape("connect", *ENDS, *arguments)
        assert code == 0, errors
    assert landscape("compute", "run.yaml")[0] == 0


def test_the_default_output_is_named_after_both_ends(networks, landscape):
    code, _, errors = landscape("connect", *ENDS, "--epochs", 1, "--quiet")
    assert code == 0
    assert not errors
    assert (networks.folder / "a-b.curve.h5").exists()


def same_points(one, other):
    pairs = [read_curve_points(path, read_curve(path)).points for path in (one, other)]
    for first, second in zip(*pairs, strict=True):
        for name, array in first.items():
            np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize("after", [3, 17])
def test_a_signal_stops_it_and_the_same_command_continues(networks, landscape, monkeypatch, after):
    assert landscape("connect", *ENDS, *SHORT[:-1], "whole.curve.h5")[0] == 0
    monkeypatch.setenv("STOP_AFTER", str(after))
    code, out, _ = landscape("connect", *ENDS, *SHORT)
    assert code == 75
    assert "stopped by SIGTERM; the same command continues" in out
    assert read_curve("ab.curve.h5").done == after
    monkeypatch.delenv("STOP_AFTER")
    assert landscape("connect", *ENDS, *SHORT)[0] == 0
    same_points("whole.curve.h5", "ab.curve.h5")


@pytest.mark.slow
@pytest.mark.mpi
def test_it_is_the_same_on_two_ranks(networks):
    for name, ranks in (("alone.curve.h5", None), ("shared.curve.h5", 2)):
        done = networks.run("connect", *ENDS, *SHORT[:-1], name, ranks=ranks)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("wrote") == 1
    same_points("alone.curve.h5", "shared.curve.h5")


@pytest.mark.slow
def test_tied_weights_stay_tied(networks, landscape):
    for seed, name in enumerate("ab"):
        torch.save(trained("tied", seed), networks.folder / f"{name}.pt")
    networks.config("own:tied", grid={"x": [0, 1, 5]}, checkpoint="a.pt", threads=1)
    assert landscape("connect", *ENDS, *SHORT)[0] == 0
    curved = barrier(landscape, "curve.h5", "--set=slice={kind: curve, path: ab.curve.h5}")
    assert curved["curve"]["maximum"] < 0.1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run.yaml", "--to", "b.pt"), "--from: name the checkpoint at this end of the curve"),
        (("run.yaml", "--from", "a.pt"), "--to: name the checkpoint at this end of the curve"),
        (("run.yaml", "--from", "a.pt", "--to", "a.pt"), "has the same weights as a.pt"),
        (("run.yaml", "--from", "a.pt", "--to", "none.pt"), "none.pt"),
        ((*ENDS, "--lr", "nan"), "--lr: got nan"),
        ((*ENDS, "--lr", "-1"), "--lr"),
        ((*ENDS, "--curve", "spline"), "'spline' is not one of 'bezier', 'chain'"),
        ((*ENDS, "--bends", "-1"), "--bends"),
        ((*ENDS, "--split", "valid"), "the problem has no split 'valid'"),
        ((*ENDS, "--quantity", "perplexity"), "it returns no 'perplexity'"),
        ((*ENDS, "--set", "problem_args={width: 16}"), "a.pt"),
        ((*ENDS, "--lr", "1e30", "--epochs", "3"), "Lower --lr, which was 1e+30"),
    ],
)
def test_what_can_not_be_connected_is_refused_in_one_line(networks, landscape, arguments, words):
    code, _, errors = landscape("connect", *arguments, "--quiet")
    assert code == 2
    assert words in errors
    assert len(errors.strip().splitlines()) == 1, errors


PAIRS = ("run.yaml", "--pairs", "all", "--checkpoints", "?.pt", "-o", "pairs")
QUICK = ("--epochs", 2, "--batch-size", 64, "--points", 5)


@pytest.fixture
def three(networks):
    torch.save(trained("build", 2), networks.folder / "c.pt")
    return networks


def table(folder, way, split="train", quantity="loss"):
    facts = json.loads((folder / "barriers.json").read_text())
    assert facts["networks"] == ["a", "b", "c"]
    (found,) = [
        one["heights"]
        for one in facts["barriers"]
        if (one["way"], one["split"], one["quantity"]) == (way, split, quantity)
    ]
    return np.array(found, dtype=float)


@pytest.mark.slow
def test_every_pair_is_connected(three, landscape):
    code, out, errors = landscape("connect", *PAIRS, *QUICK)
    assert code == 0, errors
    folder = three.folder / "pairs"
    assert f"wrote {folder / 'barriers.png'}" in out
    t = np.linspace(0, 1, 5)
    for way in ("straight", "aligned", "curve"):
        heights = table(folder, way)
        np.testing.assert_array_equal(heights, heights.T)
        assert (heights.diagonal() == 0).all()
        for i, j in ((0, 1), (0, 2), (1, 2)):
            surface = read_surface(folder / f"{'abc'[i]}-{'abc'[j]}.{way}.surface.h5")
            values = surface.values["train", "loss"]
            line = (1 - t) * values[0] + t * values[-1]
            assert heights[i, j] == pytest.approx((values - line).max())
    assert (table(folder, "curve") <= table(folder, "straight")).all()
    assert table(folder, "aligned").sum() < 0.5 * table(folder, "straight").sum()
    errors = 1 - read_surface(folder / "a-b.curve.surface.h5").values["train", "accuracy"]
    line = (1 - t) * errors[0] + t * errors[-1]
    assert table(folder, "curve", quantity="error")[0, 1] == pytest.approx((errors - line).max())
    assert read_curve(folder / "a-b.curve.h5").complete


@pytest.mark.slow
@pytest.mark.mpi
def test_pairs_are_the_same_on_two_ranks(three):
    found = []
    for folder, ranks in (("alone", None), ("shared", 2)):
        done = three.run("connect", *PAIRS[:-1], folder, *QUICK, ranks=ranks)
        assert done.returncode == 0, done.stderr
        found.append((three.folder / folder / "barriers.json").read_text())
    assert found[0] == found[1]


def test_a_pair_that_fails_leaves_a_gap(three, landscape):
    torch.save({"0.weight": torch.zeros(3, 3)}, three.folder / "c.pt")
    code, _, errors = landscape("connect", *PAIRS, *QUICK)
    assert code == 0
    assert errors.count("warning:") == 2
    heights = table(three.folder / "pairs", "straight")
    assert np.isnan(heights[0, 2])
    assert np.isnan(heights[1, 2])
    assert heights[0, 1] > 0


@pytest.mark.slow
def test_a_curve_that_diverges_is_the_best_so_far(three, landscape):
    for _ in range(2):
        code, _, errors = landscape("connect", *PAIRS, *QUICK, "--lr", "1e30", "--no-align")
        assert code == 0
        assert errors.count("training its curve diverged; the best epoch's is taken") == 3
        folder = three.folder / "pairs"
        np.testing.assert_allclose(table(folder, "curve"), table(folder, "straight"), rtol=1e-4)


@pytest.mark.slow
def test_a_network_that_can_not_be_aligned_is_named(three, landscape):
    three.write("own.py", PROBLEM.replace("model = nn.Sequential(", "model = Hidden("))
    with (three.folder / "own.py").open("a") as file:
        file.write(
            "class Hidden(nn.Sequential):\n"
            "    def forward(self, inputs):\n"
            "        return super().forward(inputs if inputs.sum() > 0 else -inputs)\n"
        )
    sys.modules.pop("own", None)
    code, _, errors = landscape("connect", *PAIRS, *QUICK)
    assert code == 0
    assert errors.count("not aligned: ") == 3
    facts = json.loads((three.folder / "pairs" / "barriers.json").read_text())
    assert {one["way"] for one in facts["barriers"]} == {"straight", "curve"}


@pytest.mark.slow
def test_stopped_pairs_are_continued(three, landscape, monkeypatch):
    assert landscape("connect", *PAIRS[:-1], "whole", *QUICK)[0] == 0
    monkeypatch.setenv("STOP_AFTER", "12")
    code, out, _ = landscape("connect", *PAIRS, *QUICK)
    assert code == 75
    assert "stopped by SIGTERM; the same command continues" in out
    monkeypatch.delenv("STOP_AFTER")
    assert landscape("connect", *PAIRS, *QUICK)[0] == 0
    whole, parts = (three.folder / name / "barriers.json" for name in ("whole", "pairs"))
    assert whole.read_text() == parts.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--pairs", "all", "--checkpoints", "a.pt"), "1 checkpoint, but pairs need at least two"),
        (("--pairs", "all"), "--checkpoints"),
        (("--pairs", "all", "--checkpoints", "?.pt", "--from", "a.pt"), "--from: leave it out"),
        (("--pairs", "some"), "--pairs"),
        (("--checkpoints", "?.pt"), "--checkpoints ?.pt: belongs to --pairs all"),
    ],
)
def test_pairs_that_can_not_be_made_are_refused_in_one_line(three, landscape, arguments, words):
    code, _, errors = landscape("connect", "run.yaml", *arguments, "--quiet")
    assert code == 2
    assert words in errors
    assert len(errors.strip().splitlines()) == 1, errors
