"""Tests of the experiments' arithmetic, of what they skip, and of their configurations."""

import importlib
import sys
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest
import torch

from builders import surface
from landscape_cli.cli.error_report import run_script
from landscape_cli.config.loading import load_config
from landscape_cli.errors import LandscapeError, UsageError
from landscape_cli.geometry.directions import direction_from
from landscape_cli.problems.import_path import load_problem
from landscape_cli.problems.zoo import MODELS
from landscape_cli.problems.zoo.densenet import DenseNet
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.problems.zoo.vgg import VGG
from landscape_cli.records.grid import Axis
from landscape_cli.store import read_surface, write_surface

FOLDER = Path(__file__).parents[2] / "scripts" / "reproduce"


def load(name):
    sys.path.insert(0, str(FOLDER))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


steps, sharp_flat, architectures = load("steps"), load("sharp_flat"), load("architectures")
trajectory, convexity = load("trajectory"), load("convexity")
edge_of_stability, kinks = load("edge_of_stability"), load("kinks")
sequence, quantized = load("sequence"), load("quantized")

BASE = {
    "problem": "landscape_cli.problems.zoo:build",
    "problem_args": {"model": "mlp", "samples": {"train": 64, "test": 32}},
    "grid": {"x": [-1, 1, 5]},
}


def write_line(path, x, losses):
    write_surface(path, surface(losses, x, stderr=0.1))
    return path


def test_rise_of_a_known_line(tmp_path):
    # Odd powers cancel between the two sides.
    line = write_line(tmp_path / "a.h5", "-1:1:41", lambda x: 3 + x**3 + 8 * x**2)
    assert sharp_flat.rise(line, 0.5) == pytest.approx(2)
    assert sharp_flat.rise(line, 1.0) == pytest.approx(8)
    line = write_line(tmp_path / "b.h5", "-0.5:1.5:41", lambda x: np.abs(x - 1) * (x > 1))
    assert sharp_flat.rise(line, 0.25, 1.0) == pytest.approx(0.125)
    assert sharp_flat.rise(line, 0.25) == 0


def test_the_weight_norm_excludes_vectors(tmp_path):
    state = {"w": torch.full((2, 2), 1.5), "k": torch.ones(1, 1, 4, 4), "b": torch.ones(9)}
    torch.save({"state_dict": state}, tmp_path / "a.pt")
    assert sharp_flat.weight_norm(tmp_path / "a.pt") == pytest.approx(5)


def test_report_orders_networks_by_hand():
    by_batch, by_decay = sharp_flat.pairs_by_batch(3), sharp_flat.pairs_by_decay(3)
    nets = [net for pair in by_batch.values() for net in pair]
    assert {net.name for net in nets} == {net.name for pair in by_decay.values() for net in pair}
    measures = {
        net: {
            "error": place / 2,
            "odd": float(-place if place % 2 else place),
            "flat": -1.5 * place,
        }
        for place, net in enumerate(nets)
    }
    networks, correlations, batches, decays = (
        part.splitlines() for part in sharp_flat.report(measures, by_batch, by_decay).split("\n\n")
    )
    assert networks[0] == "| network | error | odd | flat |"
    assert networks[3] == "| SGD, batch 2048, decay 0 | 0.50 | -1 | -1.5 |"
    # 0 -1 2 -3 4 -5 6 -7 have the ranks 5 4 6 3 7 2 8 1: 1 - 6 * 100 / (8 * 63).
    assert correlations[2] == "| rank correlation | -0.19 | -1.00 |"
    first = [[line.split(" | ")[1] for line in part[2:]] for part in (batches, decays)]
    assert first[0] == ["batch 128", "batch 2048", "batch 2048"]
    assert first[1] == ["no decay", "no decay", "decay"]


def test_the_correlations_in_the_page_are_those_of_its_table():
    page = (FOLDER.parents[1] / "docs" / "reproduce.md").read_text(encoding="utf-8")
    section = page.split("\n## Sharp and flat minima\n")[1]
    networks, correlations = [block for block in section.split("\n\n") if block.startswith("|")][:2]
    (_, *names), _, *rows = [line.strip("| ").split(" | ") for line in networks.splitlines()]
    nets = [net for pair in sharp_flat.pairs_by_batch().values() for net in pair]
    assert [row[0] for row in rows] == [net.label for net in nets]
    measures = {
        net: dict(zip(names, map(float, values), strict=True))
        for net, (_, *values) in zip(nets, rows, strict=True)
    }
    assert sharp_flat.correlations(measures).strip() == correlations
    # "Small batches are flatter by every measure here"
    for small, large in sharp_flat.pairs_by_batch().values():
        assert all(
            measures[small][name] < measures[large][name]
            for name in ("interpolation 0.25", "filter 0.5", "filter 1", "raw 0.5", "raw 1")
        )
    # "Filter-normalized lines call all four of them flatter; raw lines call all four sharper"
    for without, decayed in sharp_flat.pairs_by_decay().values():
        assert measures[decayed]["filter 0.5"] < measures[without]["filter 0.5"]
        assert measures[decayed]["filter 1"] < measures[without]["filter 1"]
        assert measures[decayed]["raw 0.5"] > measures[without]["raw 0.5"]
        assert measures[decayed]["raw 1"] > measures[without]["raw 1"]


@pytest.mark.slow
def test_a_network_is_trained_once_and_only_with_the_same_settings(tmp_path, capfd):
    net = steps.Network("net", "Net", training=("--epochs", "1", "--batch-size", "16"))
    workshop = steps.Workshop(tmp_path / "runs", BASE, {"problem_args.data": "digits"})
    workshop.train([net])
    time = workshop.checkpoint(net).stat().st_mtime_ns
    assert workshop.log(net)["epoch"] == 1
    assert 0 <= workshop.log(net)["test_accuracy"] <= 1
    config = load_config(str(tmp_path / "runs/net.yaml"))
    assert str(config.checkpoint) == str(workshop.checkpoint(net))
    assert config.problem_args["data"] == "digits"
    capfd.readouterr()

    workshop.train([net])
    assert capfd.readouterr().out == f"have {workshop.checkpoint(net)}\n"
    for other in (
        (workshop, steps.Network("net", "Net", training=("--epochs", "2"))),
        (steps.Workshop(workshop.folder, BASE, {"problem_args.model": "resnet"}), net),
    ):
        with pytest.raises(UsageError, match=r"net\.pt: was trained with different settings"):
            other[0].train([other[1]])
    assert workshop.checkpoint(net).stat().st_mtime_ns == time


def test_a_command_that_fails_is_named():
    with pytest.raises(LandscapeError, match="ended with 3: .*sys.exit"):
        steps.run([sys.executable, "-c", "import sys; sys.exit(3)"])
    assert steps.output_of([sys.executable, "-c", "print('out')"]) == "out\n"


def test_a_surface_follows_the_base_and_the_changes(tmp_path):
    workshop = steps.Workshop(tmp_path, {**BASE, "splits": ["train"]}, {"grid.x": [-2, 2, 3]})
    text = workshop.configuration({"splits": None, "samples": 5})
    (tmp_path / "a.yaml").write_text(text)
    config = load_config(str(tmp_path / "a.yaml"))
    assert (config.splits, config.samples) == (None, 5)
    assert config.grid["x"] == Axis(-2, 2, 3)
    assert BASE["grid"]["x"] == [-1, 1, 5]


def test_tables_are_markdown():
    assert steps.table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n"


@pytest.mark.parametrize(
    "script",
    [
        *(sharp_flat, architectures, trajectory, convexity, edge_of_stability, kinks, sequence),
        quantized,
    ],
)
def test_errors_are_one_line(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        (["--jobs", "0"], "--jobs"),
        (["--set", "nonsense"], "--set nonsense: expected KEY=VALUE"),
        (["extra"], "extra"),
    ):
        monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
        assert run_script(script.command, "script") == 2
        error = capsys.readouterr().err
        assert error.startswith("script: ")
        assert message in error
        assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
    with click.Context(script.command) as context:
        assert "--folder" in script.command.get_help(context)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: path.name)
def test_every_configuration_is_valid(path):
    config = load_config(str(path))
    if config.problem != "landscape_cli.problems.zoo:build":
        load_problem(config.problem, config.problem_args)
        return
    assert config.problem_args["model"] in MODELS
    for axis, section in config.directions.items():
        direction_from(section, f"directions.{axis}")
    if path.parent.name == "cifar10":
        # Each names its own files, and the commands in its header name the configuration.
        assert Path(config.checkpoint).parent == Path(config.output).parent == Path("runs/cifar10")
        assert Path(config.output).stem.split("_wd")[0] == path.stem
        assert f"scripts/reproduce/cifar10/{path.name}" in path.read_text()
    args = config.problem_args.get("model_args", {})
    with torch.device("meta"):
        makers = {"resnet": ResNet, "vgg": VGG, "densenet": DenseNet, "mlp": partial(MLP, 64)}
        model = makers[config.problem_args["model"]](**args)
    if path.parent.name == "cifar10":
        depth = int("".join(c for c in path.stem.split("_noshort")[0] if c.isdigit()))
        assert model.depth == depth
        assert getattr(model, "shortcuts", True) is not path.stem.endswith("noshort")


@pytest.fixture
def on_digits(quick_commands, tmp_path, monkeypatch, capfd):
    """Run an experiment on few digits for one epoch, and return what it printed."""
    monkeypatch.setattr(sharp_flat, "OPTIMIZERS", {"SGD": sharp_flat.OPTIMIZERS["SGD"]})
    monkeypatch.setattr(sharp_flat, "DECAYS", ("0", "5e-4"))
    monkeypatch.setattr(sharp_flat, "POINTS", 9)
    monkeypatch.setattr(sharp_flat, "LINE_POINTS", 5)
    monkeypatch.setattr(sharp_flat, "REPEATS", 2)
    monkeypatch.setattr(trajectory, "POINTS", 5)
    monkeypatch.setattr(architectures, "FIGURES", {"one": ((8, 0.25),)})
    monkeypatch.setattr(architectures, "DEPTHS", ((8, 0.25),))
    monkeypatch.setattr(architectures, "WIDTHS", ())

    def call(script, *arguments):
        samples = "problem_args.samples={train: 300, test: 64}"
        options = ["--set", "problem_args.data=digits", "--set", samples, "--jobs", "1"]
        options += ["--folder", str(tmp_path / "runs"), "--epochs", "3", *arguments]
        monkeypatch.setattr(sys, "argv", ["script.py", *options])
        code = run_script(script.command, "script")
        output = capfd.readouterr()
        assert code == 0, output
        return output.out, tmp_path / "runs"

    return call


@pytest.mark.slow
def test_minima_are_compared_and_the_path_is_drawn(on_digits):
    output, folder = on_digits(sharp_flat)
    rows = (folder / "table.md").read_text().splitlines()
    assert [row.split(" | ")[0] for row in rows[2:6]] == [
        "| SGD, batch 128, decay 0",
        "| SGD, batch 2048, decay 0",
        "| SGD, batch 128, decay 5e-4",
        "| SGD, batch 2048, decay 5e-4",
    ]
    assert rows[-1].split(" | ")[-1] in ("no decay |", "decay |", "neither |")
    assert {path.name for path in folder.glob("*.png")} == {
        "interpolation.png",
        "filter.png",
        "raw.png",
    }
    # The second time, nothing is made again and the same networks are used.
    again, _ = on_digits(sharp_flat)
    assert again.count("have ") == 4
    assert again.count("nothing to do") == 12
    output, folder = on_digits(trajectory)
    assert output.count("have ") == 2
    assert (folder / "paths.png").exists()


@pytest.mark.slow
def test_architectures_are_compared(on_digits):
    _, folder = on_digits(architectures, "--set", "grid={x: [-1, 1, 5], y: [-1, 1, 5]}")
    rows = (folder / "table.md").read_text().splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == [
        "| ResNet-8, width 0.25",
        "| ResNet-8, width 0.25, no shortcuts",
    ]
    assert (folder / "one.png").exists()


@pytest.mark.slow
def test_planes_of_few_bits_are_compared(on_digits, monkeypatch):
    monkeypatch.setattr(quantized, "BITS", (None, 2))
    monkeypatch.setattr(quantized, "POINTS", 5)
    _, folder = on_digits(quantized, "--set", "problem_args.model_args.depth=8")
    whole, few = (row.split(" | ") for row in (folder / "table.md").read_text().splitlines()[2:])
    assert (whole[0], few[0]) == ("| 32", "| 2")
    for row, name in ((whole, "plane_32"), (few, "plane_2")):
        values = read_surface(folder / f"{name}.h5").values
        assert row[1] == f"{values['train', 'loss'][2, 2]:.3g}"
        assert row[4] == f"{100 * values['test', 'accuracy'][2, 2]:.1f}"
    assert few[1] != whole[1]
    assert "quantize" not in read_surface(folder / "plane_32.h5").provenance
    assert read_surface(folder / "recalibrated_2.h5").provenance["quantize"]["bits"] == 2
    assert (folder / "quantized.png").exists()


def test_a_summary_of_curvature_by_hand():
    loss = np.array([[0.5, 0.7, 2.0], [0.1, 3.0, 4.0], [0.9, 5.0, 6.0]])
    largest = np.array([[4.0, 4.0, 4.0], [2.0, 10.0, -1.0], [8.0, 1.0, 1.0]])
    smallest = np.array([[-1.0, 0.0, -2.0], [0.5, -1.0, -5.0], [-2.0, -1e-9, -3.0]])
    quantities = {"loss": loss, "hessian_max": largest, "hessian_min": smallest}
    values = {("train", name): array for name, array in quantities.items()}
    errors = {key: np.full((3, 3), 1e-6) for key in values}
    found = convexity.summary(surface(values, "-1:1:3", "-1:1:3", stderr=errors))
    assert found["centre"] == 0.1
    assert found["largest"] == 10.0
    assert found["negative"] == pytest.approx(6 / 9)
    assert found["basin"] == pytest.approx(np.median([0.25, 0.0, 0.25, 0.25]))
    assert found["outside"] == pytest.approx(np.median([0.5, 0.1, 1e-9, 3.0]))
    assert found["most"] == 3.0  # a largest eigenvalue below zero has no ratio
    assert found["area"] == pytest.approx(4 / 9)


def test_the_rank_correlation_ignores_what_is_not_finite():
    first = np.array([1.0, 2.0, 3.0, np.nan, 4.0])
    assert convexity.rank_correlation(first, -(first**3)) == -1.0
    assert convexity.rank_correlation(first, np.array([1.0, 5.0, np.inf, 0.0, 9.0])) == 1.0
