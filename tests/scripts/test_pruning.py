"""Tests of the study of pruned networks: counts, masks and directions by hand, and a short run."""

import sys

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils import prune

import landscape_cli
from landscape_cli.cli.error_report import run_script
from landscape_cli.problems import Problem
from landscape_cli.problems.zoo import build
from landscape_cli.store import read_surface
from support.scripts import check_like_published, load

pruning, perceptrons, rendering = load("pruning"), load("perceptrons"), load("rendering")
directions, masks, training = (
    load(f"sparse.{name}") for name in ("directions", "masks", "training")
)


def states(nets, kept):
    with torch.no_grad():
        for tensor, mask in zip(nets.tensors, kept, strict=True):
            tensor.mul_(mask)
    return [perceptrons.state(flat, nets.shapes()) for flat in nets.flat()]


@pytest.mark.parametrize("width", [1, 3])
def test_pruned_networks_have_as_many_parameters_as_thin_ones(width):
    thin = build("mlp", model_args={"hidden": [width]}).model
    count = sum(p.numel() for p in thin.parameters())
    for kind in ("weights", "units"):
        nets = perceptrons.initial([9], (0, 1))
        assert masks.thin_parameters(nets, width) == count
        prune_to = {"weights": count, "units": width}[kind]
        kept = {"weights": masks.kept_weights, "units": masks.kept_units}[kind](nets, prune_to)
        for state in states(nets, kept):
            assert masks.nonzero(state) == count


def test_the_largest_parameters_and_the_strongest_units_are_kept():
    nets = perceptrons.initial([4], (0,))
    with torch.no_grad():
        for tensor in nets.tensors:
            tensor.fill_(0.1)
        nets.tensors[0][0, 2, :7] = -3.0
        nets.tensors[1][0, 1] = 2.0
        nets.tensors[2][0, :, 3] = 5.0
    kept = masks.kept_weights(nets, 7 + 1 + 10 + 10)
    assert [int(mask.sum()) for mask in kept] == [7, 1, 10, 10]
    assert kept[0][0, 2, :7].all()
    (unit,) = masks.kept_units(nets, 1)[1]
    # norms of the four units: what they read by what they write
    reads = [0.1 * 65**0.5, (64 * 0.01 + 4) ** 0.5, (63 + 58 * 0.01) ** 0.5, 0.1 * 65**0.5]
    writes = [0.1 * 10**0.5] * 3 + [5 * 10**0.5]
    assert int(unit.argmax()) == int(np.argmax(np.multiply(reads, writes)))


def test_networks_without_pruned_units_compute_the_same():
    nets = perceptrons.initial([6], (0,))
    (state,) = states(nets, masks.kept_units(nets, 2))
    wide, thin = (build("mlp", model_args={"hidden": [n]}).model for n in (6, 2))
    wide.load_state_dict(state)
    thin.load_state_dict(masks.without_pruned_units(state))
    inputs = torch.randn(5, 64)
    torch.testing.assert_close(wide(inputs), thin(inputs))


def test_directions_leave_pruned_weights_at_zero_and_keep_filter_norms():
    generator = torch.Generator().manual_seed(0)
    weights, raw = (torch.randn(5, 8, generator=generator) for _ in range(2))
    weights[0, :6] = 0
    weights[1] = 0
    found = directions.kept_filters(raw.clone(), weights)
    assert torch.equal(found == 0, weights == 0)
    torch.testing.assert_close(found.norm(dim=1), weights.norm(dim=1))
    part = raw[0, 6:]
    torch.testing.assert_close(found[0, 6:], part * weights[0].norm() / part.norm())


def test_without_zeros_they_are_the_package_s_own():
    problem = build("mlp", model_args={"hidden": [3]}, samples={"train": 60, "test": 20})
    grid = {"x": (-1, 1, 3)}
    values = []
    for rule in ("filter", "scripts.reproduce.sparse.directions:kept_filters"):
        direction = {"x": {"kind": "random", "seed": 1, "normalize": rule}}
        surface = landscape_cli.compute(problem, grid=grid, directions=direction)
        values.append(surface.values["train", "loss"])
    np.testing.assert_allclose(values[0], values[1], rtol=1e-6)


def test_masks_of_torch_keep_weights_at_zero_but_shorten_directions():
    """What the page says of torch.nn.utils.prune: filters are normalized before the mask."""
    torch.manual_seed(0)
    problem = build("mlp", model_args={"hidden": []}, samples={"train": 50, "test": 20})
    layer = problem.model.layers[1]
    prune.l1_unstructured(layer, "weight", 0.75)
    mask = layer.weight_mask.clone()
    with torch.no_grad():
        layer.weight_orig.mul_(mask)
    seen = []

    def objective(model, batch):
        losses = cross_entropy(model(batch[0]), batch[1], reduction="none")
        seen.append(model.layers[1].weight.detach().clone())  # the forward pass made it
        return {"loss": losses}

    masked = Problem(problem.model, {"train": problem.splits["train"]}, objective)
    centre = layer.weight_orig.detach().clone()
    landscape_cli.compute(masked, grid={"x": (0, 1, 2)}, directions={"x": {"kind": "random"}})
    steps = [weight - centre for weight in seen if not torch.equal(weight, centre)]
    assert steps
    for step in steps:
        assert (step[mask == 0] == 0).all()
        assert step.norm() < 0.75 * centre.norm()  # about half, since a quarter is left


def test_wide_networks_are_pruned_in_rounds_to_the_last_count():
    assert training.rounds(120) == [40, 50, 60, 70, 80]
    nets = perceptrons.initial([training.WIDE], (0,))
    run = training.Run("weights", 4)
    counts = [
        int(sum(mask.sum() for mask in training.masks(nets, run, done)))
        for done in range(1, training.ROUNDS + 1)
    ]
    ratios = np.divide(counts[1:], counts[:-1])
    np.testing.assert_allclose(ratios, ratios[0], rtol=0.01)
    assert counts[-1] == masks.thin_parameters(nets, 4) == 310


def test_pruned_parameters_stay_zero_through_training():
    problem = build("mlp", samples={"train": 100, "test": 20})
    for kind in ("units", "weights"):
        run = training.Run(kind, 2)
        state = training.train(problem, run, 2, 6)
        shapes = {name: torch.Size(shape) for name, shape in state["shapes"].items()}
        for flat in state["flat"]:
            assert masks.nonzero(perceptrons.state(flat, shapes)) == 160
    anew = training.Run("anew", 2)
    again = training.train(problem, anew, 2, 6, training.masks_of(state))
    assert torch.equal(again["flat"] != 0, state["flat"] != 0)
    assert not torch.equal(again["flat"], state["flat"])


def test_errors_are_one_line(tmp_path, monkeypatch, capsys):
    (tmp_path / "networks.yaml").write_text("of another run")
    for arguments, message in (
        (["--jobs", "0"], "--jobs"),
        (["--folder", str(tmp_path)], "trained with different settings"),
    ):
        monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
        assert run_script(pruning.command, "pruning") != 0
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


@pytest.mark.slow
def test_a_short_run_has_the_results_of_the_page(quick_commands, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(training, "SEEDS", 2)
    monkeypatch.setattr(pruning, "SURFACE_SEEDS", 2)
    monkeypatch.setattr(pruning, "POINTS", 5)
    data = ["--set", "problem_args.samples={train: 128, test: 40}"]
    options = ["--jobs", "1", "--folder", str(tmp_path), "--epochs", "9", *data]

    def call():
        monkeypatch.setattr(sys, "argv", ["script.py", *options])
        code = run_script(pruning.command, "pruning")
        output = capfd.readouterr()
        assert code == 0, output
        return output.out

    call()
    found = check_like_published("pruning", tmp_path)
    assert found["numbers"]["counts_are_equal"]
    again = call()
    assert "have all networks" in again
    assert again.count("nothing to do") == 2 * 4
    # the plane's centre is the network itself
    for kind in ("thin", "weights"):
        run = training.Run(kind, pruning.SHOWN)
        surface = read_surface(tmp_path / f"{run.name}_seed1.h5")
        loss = training.load(tmp_path, run)["scores"]["train loss"][1]
        assert surface.values["train", "loss"][2, 2] == pytest.approx(float(loss), rel=1e-4)
