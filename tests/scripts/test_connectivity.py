"""Tests of the studies of connectivity: arithmetic by hand, exact losses, short runs."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from builders import surface
from landscape_cli.cli.error_report import run_script
from landscape_cli.problems.zoo import build
from landscape_cli.store import write_surface
from support.scripts import load

MODULES = ("batches", "ensembles", "infinity", "minima", "paths", "seeds", "shop", "widths")


connectivity, steps = load("connectivity"), load("steps")
costs, rendering = load("costs"), load("rendering")
batches, ensembles, infinity, minima, paths, seeds, shop, widths = (
    load(f"claims.{name}") for name in MODULES
)

DIGITS = {"problem_args.samples": {"train": 300, "test": 64}}


def test_errors_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        (["--jobs", "0"], "--jobs"),
        (["seeds", "--set", "nonsense"], "--set nonsense: expected KEY=VALUE"),
        (["minima", "valleys"], "'valleys'"),
    ):
        monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
        assert run_script(connectivity.command, "connectivity") == 2
        error = capsys.readouterr().err
        assert error.startswith("connectivity: ")
        assert message in error
        assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_help_names_every_part(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["script.py", "--help"])
    assert run_script(connectivity.command, "connectivity") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [name for name in connectivity.PARTS if not any(f"  {name} " in x for x in lines)] == []


def write_path(path, losses, accuracies):
    values = {("train", "loss"): losses, ("test", "accuracy"): accuracies}
    arrays = {key: np.array(each) for key, each in values.items()}
    config = {"directions": {"x": {"kind": "checkpoint", "path": "b.pt"}}}
    write_surface(path, surface(arrays, "0:1:5", config=config))
    return path


def test_a_barrier_is_the_excess_over_the_line_between_the_ends(tmp_path):
    path = write_path(tmp_path / "a.h5", [0.0, 1, 5, 4, 2], [0.5, 0.25, 0.5, 1.0, 1.0])
    assert paths.rise(*paths.profile(path, "train", "loss")) == 4.0
    t, errors = paths.profile(path, "test", "error")
    assert t.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert errors.tolist() == [50, 75, 50, 0, 0]
    assert paths.barrier(path, "test", "error") == 37.5
    convex = np.array([1.0, 0.2, 0.1, 0.3, 2.0])
    assert paths.rise(t, convex) == 0


def test_rows_of_paths_are_means_over_pairs(tmp_path):
    pairs = [
        {"straight": write_path(tmp_path / "a.h5", [0.0, 1, 5, 4, 2], [0.5, 0.25, 0.5, 1.0, 1.0])},
        {"straight": write_path(tmp_path / "b.h5", [0.0, 1, 3, 1, 0], [1.0, 1.0, 0.5, 1.0, 0.9])},
    ]
    together = paths.by_name(pairs)
    assert together == {"straight": [tmp_path / "a.h5", tmp_path / "b.h5"]}
    (row,) = paths.rows("net", together)
    assert row[:2] == ["net", "straight"]
    assert row[2:4] == ["3.5 ± 0.5", "4 ± 1"]
    assert row[4] == "41 ± 4"  # 37.5 and 45
    assert row[6] == "20 ± 20, 5 ± 5"
    heights = {shop.DIGITS: {"line": [2.0, 4.0], "curve": [0.1, 0.4]}}
    assert paths.say(heights, "line") == "3 ± 1 (digits, ResNet-8)"
    excess = paths.excess([2.0, 4.0], [0.1, 0.4], 0.5)
    assert (excess.value, excess.error) == pytest.approx((1.25, 0.35))


def write_network(workshop, name, hidden, seed):
    """Write a random network's checkpoint and configuration, and return both networks."""
    net = steps.Network(name, name, {"problem_args.model_args": {"hidden": hidden}})
    torch.manual_seed(seed)
    model = build("mlp", model_args={"hidden": hidden}).model
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    workshop.folder.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": model.state_dict()}, workshop.checkpoint(net))
    return net, model


@pytest.mark.slow
def test_the_line_between_networks_has_their_losses_and_describe_s_barrier(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    workshop = shop.Shop(tmp_path, {}).workshop(
        "x", "digits_mlp.yaml", {"problem_args.samples": {"train": 100}}
    )
    (net, _), (other, end) = (write_network(workshop, name, [3], i) for i, name in enumerate("ab"))
    path = paths.straight(workshop, net, workshop.checkpoint(other), "line", net.changes)
    inputs, labels = build("mlp", samples={"train": 100}).splits["train"].tensors
    t, losses = paths.profile(path, "train", "loss")
    assert losses[-1] == pytest.approx(cross_entropy(end(inputs), labels).item(), rel=1e-5)
    assert paths.barrier(path) == pytest.approx(paths.rise(t, losses), abs=1e-12)


@pytest.mark.slow
def test_a_linear_network_s_loss_along_its_ray_is_that_of_scaled_logits(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    workshop = shop.Shop(tmp_path, {}).workshop(
        "x", "digits_mlp.yaml", {"problem_args.samples": {"train": 40}}
    )
    net, model = write_network(workshop, "a", [], 0)
    inputs, labels = build("mlp", samples={"train": 40}).splits["train"].tensors
    # So few samples are fitted exactly by least squares.
    samples = torch.cat([inputs.flatten(1), torch.ones(40, 1)], 1).double()
    solution = (torch.linalg.pinv(samples) @ (2 * torch.eye(10).double()[labels])).float()
    model.layers[1].weight.data, model.layers[1].bias.data = solution[:-1].T, solution[-1]
    torch.save({"state_dict": model.state_dict()}, workshop.checkpoint(net))
    path = infinity.compute(workshop, net)
    losses = paths.profile(path, "train", "loss")[1][::-1]
    logits = model(inputs).detach().double()
    assert (logits.argmax(1) == labels).all()
    expected = [cross_entropy(s * logits, labels).item() for s in infinity.scales()]
    np.testing.assert_allclose(losses, expected, rtol=1e-4, atol=1e-6)
    assert losses[0] == pytest.approx(np.log(10))
    assert infinity.row("linear", path)[1:3] == ["100.00", "2.3"]
    assert infinity.row("linear", path)[-1] == "yes"


def test_a_ray_that_rises_again_is_said_to(tmp_path):
    s = infinity.scales()
    values = {("train", "loss"): (s - 2)[::-1] ** 2, ("train", "accuracy"): np.full_like(s, 0.75)}
    write_surface(tmp_path / "a.h5", surface(values, f"{1 - infinity.FARTHEST}:1:{len(s)}"))
    found = infinity.row("a", tmp_path / "a.h5")
    assert found == ["a", "75.00", "4", "2.25", "1", "0", "1", "4", "no"]


def test_powers_of_known_barriers():
    falling = {width: [3 * width**-0.5, 6 * width**-0.5] for width in (1, 4, 16, 64, 256)}
    assert widths.power({**falling, 1: [0.1, 0.2]}).value == pytest.approx(-0.5)
    assert widths.power({**falling, 256: [0.1, 0.0]}).text() == "none"
    steep = {width: [1 / width, width**-0.5] for width in (16, 64, 256)}
    assert widths.power(steep).value == pytest.approx(-0.75)
    assert widths.power(steep).error == pytest.approx(0.25)
    naive = {1: [0.5, 0.6], 4: [2.0, 2.1], 16: [1.0, 1.1], 256: [0.9, 0.9]}
    found = {"net": {"barrier, naive": naive, "barrier, aligned": falling}}
    verdicts = [claim.verdict for claim in widths.judge(found)]
    assert verdicts == ["agrees", "undecided", "agrees"]  # 21 % and 42 % are left


@pytest.mark.parametrize(
    ("naive", "expected"),
    [
        ({1: [1, 1.1], 4: [2, 2.1], 16: [1, 1.1]}, (4, "agrees")),
        ({1: [1, 1.1], 4: [2, 2.1], 16: [0.5, 3.0]}, (4, "undecided")),
        ({1: [3, 3.1], 4: [2, 2.1], 16: [1, 1.1]}, (1, "disagrees")),
        ({1: [1, 1.1], 4: [2, 2.1], 16: [3, 3.1]}, (16, "disagrees")),
    ],
)
def test_barriers_rise_and_fall_only_with_a_top_between_the_ends(naive, expected):
    assert widths.rise_and_fall(naive) == expected


def test_rows_of_widths_and_seeds_by_hand():
    values = {"barrier": {2: [3.0, 1.0, 2.0]}, "loss": {2: [0.5]}}
    assert widths.rows("net", values) == [["net", "2", "2.0 ± 0.6", "0.5"]]
    row = seeds.row("net", 4, [1.0, 4.0, 2.0, 3.0])
    assert row == ["net", "4", "1", "2.5", "4", "3", "1.29", "4"]


def test_scores_over_seeds_by_hand():
    tables = [
        {
            "rows": [
                {"role": "member", "accuracy": 0.5, "loss": 3.0},
                {"role": "ensemble", "accuracy": accuracy, "loss": loss},
            ]
        }
        for accuracy, loss in ((0.75, 1.0), (0.5, 2.0))
    ]
    found = ensembles.scores(tables, "ensemble")
    assert found == {"error": [25.0, 50.0], "loss": [1.0, 2.0]}
    single = {"error": [30.0, 50.0], "loss": [1.5, 2.5]}
    row = ensembles.row("net", "FGE", found, single)
    assert row == ["net", "FGE", "37.50 ± 12.50", "-2.50 ± 2.50", "1.500 ± 0.500", "-0.500 ± 0.000"]
    assert ensembles.row("net", "all", {"error": [9.0], "loss": [1]}, single)[2:4] == ["9.00", ""]


def test_large_batches_differ_in_batch_and_rate_alone():
    run = shop.Shop(Path("x"), {})
    small, large = shop.DIGITS.network(run, 0), batches.large(run, shop.DIGITS, 0)
    changed = {a: (a, b) for a, b in zip(small.training, large.training, strict=True) if a != b}
    assert set(changed.values()) == {
        ("0.05", batches.LARGE_RATE),
        ("64", str(batches.LARGE[shop.DIGITS])),
        ("20", str(batches.LARGE_EPOCHS)),
    }


@pytest.fixture
def small(quick_commands, tmp_path, monkeypatch, capfd):
    """Run a part on few digits for a few epochs, and return what it printed and its folder."""
    recipe = ("--lr", "0.05", "--every", "1000", "--at-least", "accuracy=0", "--restarts", "0")
    setting = replace(shop.DIGITS, changes=DIGITS, recipe=recipe)
    perceptrons = replace(widths.PERCEPTRONS[0], changes=DIGITS, widths=(1, 4), seeds=4)
    monkeypatch.setattr(minima, "SETTINGS", [setting])
    monkeypatch.setattr(minima, "PLANE_POINTS", 5)
    monkeypatch.setattr(minima, "PAIRS", ((0, 1), (2, 3)))
    monkeypatch.setattr(batches, "LARGE", {setting: 300})
    monkeypatch.setattr(batches, "SEEDS", (0, 1))
    monkeypatch.setattr(ensembles, "SEEDS", {setting: 2})
    monkeypatch.setattr(paths, "POINTS", 5)
    monkeypatch.setattr(infinity, "RAYS", infinity.RAYS[:2])
    for module in (widths, seeds):
        monkeypatch.setattr(module, "PERCEPTRONS", [perceptrons])

    def call(part, *arguments):
        options = ["--jobs", "1", "--folder", str(tmp_path / "runs"), "--epochs", "6", *arguments]
        parts = [part] if part else []
        monkeypatch.setattr(sys, "argv", ["script.py", *parts, *options])
        code = run_script(connectivity.command, "connectivity")
        output = capfd.readouterr()
        assert code == 0, output
        return output.out, tmp_path / "runs"

    return call


def names(folder, part, column=1):
    lines = (folder / f"{part}.md").read_text().splitlines()[2:]
    return [line.strip("| ").split(" | ")[column] for line in lines]


@pytest.mark.slow
def test_all_parts_make_a_page_once(small):
    _, folder = small(None, "--epochs", "9")  # two snapshots each
    assert names(folder, "minima") == ["straight", "aligned, straight", "Bézier", "chain"]
    assert names(folder, "batches") == [
        "straight, same start",
        "Bézier, same start",
        "straight, other start",
        "Bézier, other start",
    ]
    assert names(folder, "widths") == names(folder, "seeds") == ["1", "4"]
    assert names(folder, "ensembles") == [
        "single run",
        "mean FGE member",
        "FGE ensemble",
        "end of the SWA run",
        "SWA",
        "ensemble of all single runs",
    ]
    scores = json.loads((folder / "digits" / "fge0.ensemble.json").read_text())
    assert len(scores["members"]) == 2
    found = json.loads((folder / "results.json").read_text())
    assert {path.stem for path in folder.glob("*.png")} == set(found["figures"])
    assert found["cost"]["core_seconds"].keys() == {
        *("training", "surfaces", "curves", "alignment", "ensembles")
    }
    page = rendering.study_page("connectivity", found)
    assert page.startswith("# Connectivity and width\n")
    # The second time, nothing is made again.
    again, _ = small("minima", "--epochs", "9")
    assert again.count("have ") == 4
    assert again.count("nothing to do") == 13
    assert costs.cost(folder)["core_seconds"] == found["cost"]["core_seconds"]
