"""Losses and gradients of checkpoints against plain PyTorch."""

import copy
import math
import os

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.records.trajectory import trajectories_of
from landscape_cli.store import read_surface
from landscape_cli.store.trajectory_file import read_trajectories

STEPS = 6


def descend(folder, rate=0.1, prefix="step", problem=None):
    """Take steps of gradient descent, and save each checkpoint; return problem and states."""
    import example

    problem = problem or example.regression()
    model, (inputs, targets) = problem.model, problem.splits["train"].tensors
    states = []
    for number in range(STEPS):
        states.append(copy.deepcopy(model.state_dict()))
        torch.save({"state_dict": states[-1], "epoch": number}, folder / f"{prefix}{number}.pt")
        model.zero_grad()
        (model(inputs) - targets).square().mean().backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= rate * parameter.grad
    return problem, states


def loss_of(problem, state, split="train"):
    problem.model.load_state_dict(state)
    inputs, targets = problem.splits[split].tensors
    return (problem.model(inputs) - targets).square().mean().item()


@pytest.fixture
def paths(workplace, landscape):
    """Return a function that runs the command with these options and returns the paths."""
    config = workplace.config(threads=1)

    def run(*arguments, code=0, output="out.trajectory.h5"):
        found, _, errors = landscape("trajectory", config, *arguments, "-o", output)
        assert found == code, errors
        return read_trajectories(workplace.folder / output)

    return run


def test_losses_are_those_of_each_checkpoint(paths, workplace):
    problem, states = descend(workplace.folder)
    (path,) = paths("--checkpoints", "step*.pt", "--losses")
    for split in ("train", "test"):
        expected = [loss_of(problem, state, split) for state in states]
        np.testing.assert_allclose(path.values[split, "loss"], expected, rtol=1e-13)
        assert (path.stderr[split, "loss"] > 0).all()
    assert path.parameters == 4
    assert path.descent is None
    assert read_surface("out.losses.h5").complete


def test_gradient_descent_steps_along_the_negative_gradient(paths, workplace):
    descend(workplace.folder)
    (path,) = paths("--checkpoints", "step*.pt", "--gradients", "--split", "train")
    np.testing.assert_allclose(path.descent, 1, rtol=1e-12)
    norms = path.lengths.steps / 0.1
    np.testing.assert_allclose(path.values["train", "gradient_norm"][:-1], norms, rtol=1e-12)
    assert set(path.values) == {("train", "loss"), ("train", "gradient_norm")}


def test_steps_along_contours_and_uphill(paths, workplace):
    """At the minimum of a quadratic, a step to one side and back, and a rest."""
    problem, _ = descend(workplace.folder)
    inputs, targets = problem.splits["train"].tensors
    rows = torch.cat([inputs, torch.ones(len(inputs), 1).double()], 1)
    best = torch.linalg.lstsq(rows, targets).solution.squeeze()
    values, vectors = torch.linalg.eigh(rows.T @ rows / len(rows))
    first, second = vectors[:, 0], vectors[:, 3]

    def save(number, place):
        state = {"weight": place[:3].reshape(1, 3), "bias": place[3:]}
        torch.save(state, workplace.folder / f"walk{number}.pt")

    for number, (a, b) in enumerate([(1, 0), (1, 1), (1, 1), (2, 1), (0, 0)]):
        save(number, best + a * first + b * second)
    (path,) = paths("--checkpoints", "walk*.pt", "--gradients")
    flat, steep = values[0].item(), values[3].item()
    uphill = -flat / math.hypot(flat, steep)
    down = (4 * flat + steep) / (math.hypot(2 * flat, steep) * math.sqrt(5))
    np.testing.assert_allclose(path.descent, [0, math.nan, uphill, down], atol=1e-6)


ODD = """
import torch
from example import regression
from landscape_cli.problems import Problem

def build():
    problem = regression()
    def logarithm(model, batch):
        return {"loss": (model.weight[0, 0].log() + 0 * model(batch[0])).squeeze(1)}
    return Problem(problem.model, {"train": problem.splits["train"]}, logarithm)
"""


def test_losses_that_are_not_finite_are_kept(workplace, landscape):
    workplace.write("odd.py", ODD)
    for number, weights in enumerate([[2, 0, 1], [0, 1, 0], [-1, 0, 0], [1, 0, 0]]):
        state = {"weight": torch.tensor([weights]).double(), "bias": torch.zeros(1).double()}
        torch.save(state, workplace.folder / f"step{number}.pt")
    config = workplace.config("odd:build", threads=1)
    code, out, errors = landscape("trajectory", config, "--checkpoints", "step*.pt", "--losses")
    assert code == 0, errors
    (path,) = read_trajectories("surface.trajectory.h5")
    expected = [math.log(2), -math.inf, math.nan, 0]
    np.testing.assert_allclose(path.values["train", "loss"], expected, rtol=1e-15)
    assert "from 0.6931 to 0, lowest 0 (step3); 2 not finite" in out
    again = type(path).from_mapping(path.as_mapping())
    np.testing.assert_array_equal(again.values["train", "loss"], expected)


FAILING = """
from example import regression
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error

def build():
    problem = regression()
    def objective(model, batch):
        if float(model.bias) > 50:
            raise RuntimeError("too far")
        return mean_squared_error(model, batch)
    return Problem(problem.model, {"train": problem.splits["train"]}, objective)
"""


def test_losses_with_failures_are_not_stored_with_the_path(workplace, landscape):
    workplace.write("failing.py", FAILING)
    _, states = descend(workplace.folder)
    states[2]["bias"] += 100
    torch.save(states[2], "step2.pt")
    config = workplace.config("failing:build", threads=1, keep_going=True)
    code, out, _ = landscape("trajectory", config, "--checkpoints", "step*.pt", "--losses")
    assert code == 1
    assert "1 checkpoints failed, the first with RuntimeError: too far" in out
    assert not read_trajectories("surface.trajectory.h5")[0].values
    assert read_surface("surface.losses.h5").failed == 1


def test_a_runaway_checkpoint_is_named(workplace, landscape):
    descend(workplace.folder)
    huge = nn.Linear(3, 1, dtype=torch.float64).state_dict()
    huge["weight"][:] = 1e200
    torch.save(huge, workplace.folder / "step0.pt")
    code, _, err = landscape("trajectory", workplace.config(), "--checkpoints", "step*.pt")
    assert code == 2
    assert "checkpoints: number 1 of 6 is so far from the centre" in err


@pytest.mark.parametrize("recalibrate", [False, True])
def test_each_network_has_its_own_statistics(workplace, landscape, recalibrate):
    import example

    problem = example.digits_network()
    model, (images, labels) = problem.model, problem.splits["train"].tensors
    expected = []
    for number in range(3):
        model.train()
        model(images + number)  # other running statistics
        torch.save(copy.deepcopy(model.state_dict()), workplace.folder / f"net{number}.pt")
        if recalibrate:
            fresh = copy.deepcopy(model)
            for norm in (fresh[1], fresh[4]):
                norm.reset_running_stats()
                norm.momentum = None
            fresh.train()
            fresh(images)
            fresh.eval()
            expected.append(nn.functional.cross_entropy(fresh(images), labels).item())
        else:
            model.eval()
            expected.append(nn.functional.cross_entropy(model(images), labels).item())
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1 + 0.1 * torch.rand_like(parameter))
    mode = {"batch_norm": "recalibrate", "batch_norm_samples": 130} if recalibrate else {}
    config = workplace.config("example:digits_network", threads=1, splits=["train"], **mode)
    code, _, errors = landscape("trajectory", config, "--checkpoints", "net*.pt", "--losses")
    assert code == 0, errors
    (path,) = read_trajectories("surface.trajectory.h5")
    np.testing.assert_allclose(path.values["train", "loss"], expected, rtol=2e-5)


def test_gradients_of_a_network_with_batch_norm_are_by_its_parameters_alone(workplace, landscape):
    import example

    problem = example.digits_network()
    model, (images, labels) = problem.model, problem.splits["train"].tensors
    model.eval()
    for number in range(4):
        torch.save(copy.deepcopy(model.state_dict()), workplace.folder / f"net{number}.pt")
        model.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.05 * parameter.grad
    config = workplace.config("example:digits_network", threads=1, splits=["train"])
    code, _, errors = landscape("trajectory", config, "--checkpoints", "net*.pt", "--gradients")
    assert code == 0, errors
    (path,) = read_trajectories("surface.trajectory.h5")
    np.testing.assert_allclose(path.descent, 1, atol=1e-6)


def test_steps_of_statistics_alone_have_no_angle(workplace, landscape):
    import example

    model = example.digits_network().model
    for number in range(4):
        torch.save(copy.deepcopy(model.state_dict()), workplace.folder / f"net{number}.pt")
        with torch.no_grad():
            model[1].running_mean += 0.1
            model[4].running_var += 0.2 * (number == 0)
            model[7].bias += 0.1 * (number == 1)
    config = workplace.config(
        "example:digits_network", threads=1, splits=["train"], perturb="states"
    )
    code, _, errors = landscape("trajectory", config, "--checkpoints", "net*.pt", "--gradients")
    assert code == 0, errors
    (path,) = read_trajectories("surface.trajectory.h5")
    assert (path.lengths.steps > 0).all()
    assert np.isnan(path.descent).tolist() == [True, False, True]


def test_several_trainings_lie_in_one_plane(paths, workplace):
    problem, states = descend(workplace.folder, prefix="slow")
    problem.model.load_state_dict(states[0])
    descend(workplace.folder, rate=0.3, prefix="fast", problem=problem)
    log = workplace.write("fast.csv", "epoch,lr\n" + "".join(f"{n},0.3\n" for n in range(1, 6)))
    slow, fast = paths(
        *("--training", "slow=slow*.pt", "--training", "fast=fast*.pt"),
        *("--gradients", "--log", f"fast={log}"),
    )
    assert (slow.name, fast.name) == ("slow", "fast")
    assert slow.learning_rates is None
    assert fast.learning_rates[1:] == (0.3,) * 5
    np.testing.assert_array_equal(slow.coordinates[0], fast.coordinates[0])
    np.testing.assert_array_equal(slow.coordinates[-1], 0)
    for path in (slow, fast):
        np.testing.assert_allclose(path.descent, 1, rtol=1e-12)
        apart = np.hypot(*np.diff(path.coordinates, axis=0).T)
        assert (apart <= path.lengths.steps * (1 + 1e-9)).all()
    assert slow.values["train", "loss"][0] == fast.values["train", "loss"][0]
    expected = [loss_of(problem, state) for state in states]
    np.testing.assert_allclose(slow.values["train", "loss"], expected, rtol=1e-13)


def test_one_training_projected_alone_is_the_same_path_as_beside_another(paths, workplace):
    descend(workplace.folder, prefix="a")
    descend(workplace.folder, rate=0.3, prefix="b")
    both = paths("--training", "a=a*.pt", "--training", "b=b*.pt", output="both.h5")
    (alone,) = paths("--training", "b=b*.pt", "--onto", "both.h5", "--set", "checkpoint=a5.pt")
    np.testing.assert_allclose(alone.coordinates, both[1].coordinates, atol=1e-9)
    np.testing.assert_array_equal(alone.lengths.steps, both[1].lengths.steps)


def test_a_plane_has_the_paths_of_all_trainings(paths, workplace, landscape):
    descend(workplace.folder, prefix="a")
    descend(workplace.folder, rate=0.3, prefix="b")
    paths("--training", "a=a*.pt", "--training", "b=b*.pt", "--losses", output="both.h5")
    directions = {axis: {"kind": "file", "path": "both.h5"} for axis in "xy"}
    grid = {"x": [-2, 2, 5], "y": [-2, 2, 5]}
    keys = {"directions": directions, "grid": grid, "checkpoint": "a5.pt", "threads": 1}
    assert landscape("compute", workplace.config(name="plane.yaml", **keys))[0] == 0
    first, second = trajectories_of(read_surface("surface.h5").provenance)
    assert (first.name, second.name) == ("a", "b")
    assert len(second.values["train", "loss"]) == STEPS
    code, out, _ = landscape("describe", "surface.h5", "--split", "train")
    assert code == 0
    assert "path         a, all steps: |cos| of steps and contour normals" in out
    assert " b, own values minus the plane's: mean " in out
    (alone,) = paths("--checkpoints", "b*.pt", "--onto", "both.h5", "--set", "checkpoint=a5.pt")
    assert not alone.values
    code, out, _ = landscape("describe", "surface.h5", "--trajectory", "out.trajectory.h5")
    assert code == 0
    assert "path         all steps: |cos| of steps" in out
    assert " b, own" not in out  # replaced


def test_a_checkpoint_that_changes_during_the_run_is_refused(workplace, landscape, monkeypatch):
    from landscape_cli.problems import weights

    descend(workplace.folder)
    config = workplace.config(threads=1)
    known = weights.Hashes.__call__
    calls = []

    def changing(self, path):
        calls.append(path)
        return known(self, path) + ("" if len(calls) <= STEPS else "x")

    monkeypatch.setattr(weights.Hashes, "__call__", changing)
    code, _, err = landscape("trajectory", config, "--checkpoints", "step*.pt", "--losses")
    assert code == 2
    assert "has changed since the run began" in err


def test_a_complete_run_is_left_alone_and_a_changed_checkpoint_refused(workplace, landscape):
    descend(workplace.folder)
    arguments = ("trajectory", workplace.config(threads=1), "--checkpoints", "step*.pt", "--losses")
    assert landscape(*arguments)[0] == 0
    written = os.stat("surface.losses.h5").st_mtime_ns
    before = read_trajectories("surface.trajectory.h5")[0].as_mapping()
    assert landscape(*arguments)[0] == 0
    assert os.stat("surface.losses.h5").st_mtime_ns == written
    assert read_trajectories("surface.trajectory.h5")[0].as_mapping() == before
    state = torch.load("step2.pt", weights_only=True)
    state["state_dict"]["bias"] += 1
    torch.save(state, "step2.pt")
    surface_before = (workplace.folder / "surface.losses.h5").read_bytes()
    code, _, err = landscape(*arguments)
    assert code == 2
    assert "surface.losses.h5 was made with" in err
    assert (workplace.folder / "surface.losses.h5").read_bytes() == surface_before
    assert landscape(*arguments, "--overwrite")[0] == 0


STOPPING = """
import os, signal
from example import regression
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error

def build():
    problem, calls = regression(), []
    def objective(model, batch):
        calls.append(1)
        if len(calls) == int(os.environ.get("CALLS", 0)):
            os.kill(os.getpid(), signal.SIGTERM)
        return mean_squared_error(model, batch)
    return Problem(problem.model, {"train": problem.splits["train"]}, objective)
"""


@pytest.mark.slow
def test_a_stopped_run_is_continued_with_the_same_bits(workplace, monkeypatch):
    descend(workplace.folder)
    workplace.write("stopping.py", STOPPING)
    config = workplace.config("stopping:build", threads=1)
    arguments = ("trajectory", config, "--checkpoints", "step*.pt", "--losses")
    whole = workplace.run(*arguments, "-o", "whole.trajectory.h5")
    assert whole.returncode == 0, whole.stderr
    stopped = []
    for calls in range(8, 40, 3):
        monkeypatch.setenv("CALLS", str(calls))
        done = workplace.run(*arguments, "--overwrite")
        if done.returncode == 75:
            assert "losses left to compute; the same command continues" in done.stdout
            assert not read_trajectories("surface.trajectory.h5")[0].values
            with h5py.File("surface.losses.h5") as file:
                stopped.append(int((file["status"][()] == 1).sum()))
            if 0 < stopped[-1] < STEPS:
                break
    assert 0 < stopped[-1] < STEPS
    monkeypatch.delenv("CALLS")
    again = workplace.run(*arguments)
    assert again.returncode == 0, again.stderr
    one, two = (read_trajectories(f"{name}.trajectory.h5")[0] for name in ("whole", "surface"))
    assert one.as_mapping() == two.as_mapping()


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.openmpi
def test_two_ranks_give_the_same_bits(workplace):
    descend(workplace.folder)
    config = workplace.config(threads=1)
    for ranks, name in ((None, "one"), (2, "two")):
        arguments = ("trajectory", config, "--checkpoints", "step*.pt", "--gradients")
        done = workplace.run(*arguments, "-o", f"{name}.trajectory.h5", ranks=ranks)
        assert done.returncode == 0, done.stderr
    one, two = (read_trajectories(f"{name}.trajectory.h5")[0] for name in ("one", "two"))
    assert one.as_mapping() == two.as_mapping()
