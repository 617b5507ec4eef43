"""Tests of the experiments' arithmetic, of what they skip, and of their configurations."""

import json
import math
import pickle
import sys
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import landscape_cli
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
from support.scripts import STUDIES, load

steps, sharp_flat = load("steps"), load("sharp_flat")
sharp_lines, sharp_networks = load("sharpness.lines"), load("sharpness.networks")
sharp_verdicts = load("sharpness.verdicts")
trajectory, convexity = load("trajectory"), load("convexity")
edge_of_stability, kinks = load("edge_of_stability"), load("kinks")
sequence, quantized = load("sequence"), load("quantized")
depth, width, views = load("depth"), load("width"), load("views")
planes, rendering = load("planes"), load("rendering")
Mean, Table = load("results").Mean, load("results").Table

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
    assert sharp_lines.rise(line, 0.5) == pytest.approx(2)
    assert sharp_lines.rise(line, 1.0) == pytest.approx(8)
    line = write_line(tmp_path / "b.h5", "-0.5:1.5:41", lambda x: np.abs(x - 1) * (x > 1))
    assert sharp_lines.rise(line, 0.25, 1.0) == pytest.approx(0.125)
    assert sharp_lines.rise(line, 0.25) == 0


def test_the_weight_norm_excludes_vectors(tmp_path):
    state = {"w": torch.full((2, 2), 1.5), "k": torch.ones(1, 1, 4, 4), "b": torch.ones(9)}
    torch.save({"state_dict": state}, tmp_path / "a.pt")
    assert sharp_lines.weight_norm(tmp_path / "a.pt") == pytest.approx(5)


def measures(seed, error, place):
    sign = -1 if place % 2 else 1
    values = dict.fromkeys(sharp_lines.SHARPNESS, 1.0 + place)
    values["training loss"] = float(sign * place)
    values["weight norm"] = 8.0 - place + seed
    return {"test error (%)": error, "training accuracy (%)": 99.5, **values}


def test_correlations_are_over_the_networks_of_each_seed():
    found = {
        key: [measures(seed, place / 2, place) for seed in range(2)]
        for place, key in enumerate(sharp_networks.KEYS)
    }
    ranks = sharp_verdicts.correlations(found)
    # 0 -1 2 -3 4 -5 6 -7 have the ranks 5 4 6 3 7 2 8 1: 1 - 6 * 100 / (8 * 63).
    assert ranks["training loss"] == pytest.approx([1 - 600 / 504] * 2)
    assert ranks["weight norm"] == pytest.approx([-1, -1])
    assert ranks["filter 0.5"] == pytest.approx([1, 1])
    tables = sharp_verdicts.tables(found)
    assert tables["networks"].head[:3] == ["network", "test error (%)", "training accuracy (%)"]
    assert tables["networks"].rows[1][:2] == ["SGD, batch 2048, decay 0", "0.5 ± 0"]
    assert tables["ranks"].rows == [["rank correlation", "-0.19 ± 0", "-1 ± 0", *["1 ± 0"] * 5]]


def test_claims_about_minima_follow_from_the_measures():
    """Let all that Li et al. say hold, then swap the batches."""

    def one(key, seed):
        optimizer, decay, batch = key
        large, decayed = batch == sharp_networks.LARGE, decay != "0"
        noise = 1 + 0.01 * seed + 0.005 * (optimizer == "Adam")
        flips = large == decayed
        return {
            "test error (%)": (10 + large + 0.1 * decayed + 0.01 * seed) * noise,
            "training accuracy (%)": 100.0,
            "training loss": 0.01 * noise + 0.001 * large,
            "weight norm": (2.0 if flips else 1.0) * noise,
            "interpolation 0.25": (1.0 if flips else 2.0) * noise,
            "raw 0.5": (1.0 + decayed) * noise,
            "raw 1": 1.0 + large,
            "filter 0.5": (1.0 + large + 0.1 * decayed) * noise,
            "filter 1": (1.0 + large) * noise,
        }

    found = {key: [one(key, seed) for seed in range(3)] for key in sharp_networks.KEYS}
    assert [claim.verdict for claim in sharp_verdicts.judge(found)] == ["agrees"] * 6
    swapped = {
        (optimizer, decay, batch): found[
            optimizer, decay, sharp_networks.SMALL + sharp_networks.LARGE - batch
        ]
        for optimizer, decay, batch in sharp_networks.KEYS
    }
    words = [claim.verdict for claim in sharp_verdicts.judge(swapped)]
    assert words == ["disagrees", "disagrees", "disagrees", "agrees", "disagrees", "agrees"]


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
    assert Table(["a", "b"], [["1", "2"]]).markdown == "| a | b |\n| --- | --- |\n| 1 | 2 |"


@pytest.mark.parametrize(
    "script",
    [
        *(sharp_flat, trajectory, convexity, edge_of_stability, kinks, sequence, quantized),
        *(depth, width, views),
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


@pytest.mark.parametrize("path", sorted(STUDIES.rglob("*.yaml")), ids=lambda path: path.name)
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


@pytest.fixture(scope="module")
def few_images(tmp_path_factory):
    """Write CIFAR-10's files with 20 images each, in its own format."""
    folder = tmp_path_factory.mktemp("cifar") / "cifar-10-batches-py"
    folder.mkdir()
    draw = np.random.default_rng(0)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        images = draw.integers(0, 256, (20, 3072), dtype=np.uint8)
        batch = {b"data": images, b"labels": (np.arange(20) % 10).tolist()}
        (folder / name).write_bytes(pickle.dumps(batch))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet20", "resnet56_noshort"])
def test_networks_of_the_papers_size_are_ready_to_run(
    name, few_images, quick_commands, tmp_path, monkeypatch
):
    """Train nothing: random weights, real sizes, images in the published format, a dry run."""
    monkeypatch.chdir(tmp_path)
    path = STUDIES / "cifar10" / f"{name}.yaml"
    config = load_config(str(path))
    folder = {"problem_args.data_args.folder": str(few_images)}
    args = {**config.problem_args, "data_args": {"folder": str(few_images)}}
    torch.save(load_problem(config.problem, args).model.state_dict(), "net.pt")
    words = [f"{key}={value}" for key, value in folder.items()]
    changes = [word for each in (*words, "checkpoint=net.pt") for word in ("--set", each)]
    printed = steps.output_of(steps.landscape("compute", str(path), *changes, "--dry-run"))
    points = math.prod(axis.points for axis in config.grid.values())
    assert printed.startswith(f"points:     {points}\n")
    assert printed.endswith("nothing was written\n")


@pytest.fixture
def on_digits(quick_commands, tmp_path, monkeypatch, capfd):
    """Run an experiment on few digits for one epoch, and return what it printed."""
    keys = [key for key in sharp_networks.KEYS if key[0] == "SGD"]
    monkeypatch.setattr(sharp_networks, "KEYS", keys)
    for script in (sharp_flat, trajectory, quantized, convexity):
        monkeypatch.setattr(script, "SEEDS", (0, 1))
    monkeypatch.setattr(sharp_lines, "POINTS", 9)
    monkeypatch.setattr(sharp_lines, "LINE_POINTS", 5)
    monkeypatch.setattr(sharp_lines, "REPEATS", 2)
    monkeypatch.setattr(sharp_lines, "PLANE_POINTS", 5)
    monkeypatch.setattr(trajectory, "POINTS", 5)

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


def results_in(folder):
    return json.loads((folder / "results.json").read_text())


@pytest.mark.slow
def test_minima_are_compared_and_the_path_is_drawn(on_digits):
    output, folder = on_digits(sharp_flat)
    found = results_in(folder)
    assert [row[0] for row in found["tables"]["networks"]["rows"]] == [
        "SGD, batch 128, decay 0",
        "SGD, batch 2048, decay 0",
        "SGD, batch 128, decay 5e-4",
        "SGD, batch 2048, decay 5e-4",
    ]
    assert {path.stem for path in folder.glob("*.png")} == set(found["figures"])
    assert found["cost"]["core_seconds"].keys() == {"training", "surfaces"}
    assert found["cost"]["points"] == 8 * 2 * 2 * 5 + 4 * 2 * 9 + 4 * 5 * 5
    assert found["cost"]["like"]["usual"] > 0
    assert rendering.study_page("sharp_flat", found).startswith("# Sharp and flat minima\n")
    # The second time, nothing is made again and the same networks are used.
    again, _ = on_digits(sharp_flat)
    assert again.count("have ") == 8
    assert again.count("nothing to do") == 28
    assert results_in(folder)["cost"]["core_seconds"] == found["cost"]["core_seconds"]
    output, folder = on_digits(trajectory)
    assert output.count("have ") == 4
    assert (folder / "paths.png").exists()
    found = json.loads((folder / "trajectory.json").read_text())
    assert [row[0] for row in found["tables"]["paths"]["rows"]] == ["128", "2048"]
    assert rendering.study_page("trajectory", found).startswith("# The path of SGD\n")


@pytest.mark.slow
def test_planes_of_few_bits_are_compared(on_digits, monkeypatch):
    monkeypatch.setattr(quantized, "BITS", (None, 8, 4, 1))
    monkeypatch.setattr(quantized, "POINTS", 5)
    _, folder = on_digits(quantized, "--set", "problem_args.model_args.depth=8")
    found = results_in(folder)
    rows = found["tables"]["networks"]["rows"]
    assert [row[0] for row in rows] == ["32", "8", "4", "1"]
    for row, bits in ((rows[0], 32), (rows[-1], 1)):
        lines = [read_surface(folder / f"resnet44_seed{s}_frozen_{bits}.h5") for s in (0, 1)]
        losses = [line.values["train", "loss"][1] for line in lines]
        assert row[1] == str(Mean.of(losses))
    plane = read_surface(folder / "plane_32.h5")
    assert found["tables"]["shapes"]["rows"][0][5] == f"{plane.values['train', 'loss'].min():.3g}"
    assert "quantize" not in plane.provenance
    fresh = read_surface(folder / "resnet44_seed0_recalibrate_1.h5")
    assert fresh.provenance["quantize"]["bits"] == 1
    assert rendering.study_page("quantized", found).startswith("# Quantized weights\n")


@pytest.mark.slow
def test_convexity_is_compared(on_digits, monkeypatch):
    monkeypatch.setattr(convexity, "RECIPE", convexity.RECIPE.split(" --at-least")[0])
    monkeypatch.setattr(convexity, "SEEDS", (0,))
    few = ("grid={x: [-1, 1, 5], y: [-1, 1, 5]}", "samples=16", "curvature.samples=16")
    shallow = ("curvature.steps=4", "problem_args.model_args.depth=8")
    words = [word for each in (*few, *shallow) for word in ("--set", each)]
    _, folder = on_digits(convexity, *words)
    found = results_in(folder)
    assert [row[0][:9] for row in found["tables"]["planes"]["rows"]] == ["ResNet-20"] * 2
    assert rendering.study_page("convexity", found).startswith("# Convexity\n")


def test_the_convex_share_on_both_sides_of_a_level():
    """The loss |x| + y², whose kink at x = 0 curves upwards, has no convex paraboloid elsewhere."""
    plane = surface(lambda x, y: np.abs(x) + y**2, "-1:1:21", "-1:1:21")
    loss, convex, known = planes.convexity(plane)
    assert loss.shape == convex.shape == known.shape == (19, 19)
    assert known.all()
    kink = np.flatnonzero(convex.any(axis=0))
    assert kink.tolist() == [9]
    inside, outside = planes.convex_within(plane, 0.005)
    assert (inside, outside) == (1, pytest.approx(18 / 360))
    assert planes.convex_within(plane, 99)[0] == pytest.approx(19 / 361)
    assert np.isnan(planes.convex_within(plane, 99)[1])


def depth_measures(convex, rise=1.0, error=0.1, inside=0.9, outside=0.1):
    return {
        **{"convex": convex, "mean rise": rise, "test error": error, "train accuracy": 1.0},
        **{"centre": 0.01, "initial loss": 2.3, "roughness": 0.01},
        **{"convex inside": inside, "convex outside": outside},
    }


def test_claims_about_depth_follow_from_the_measures():
    """Let plain networks lose their convex points with depth, and no others."""
    shares = {depth.PLAIN: (0.9, 0.8, 0.4, 0.2), depth.SHORTCUTS: (0.9, 0.9, 0.9, 0.9)}
    found = {}
    for seed in depth.SEEDS:
        for kind, values in shares.items():
            for layers, share in zip(depth.DEPTHS, values, strict=True):
                plain = 1 + (kind == depth.PLAIN)
                noise = 1 + 0.01 * seed
                each = depth_measures(share * noise, 2.0 * plain * noise, 0.05 * plain * noise)
                found[layers, kind, seed] = each
        found[depth.DENSE_DEPTH, depth.DENSE, seed] = depth_measures(0.9)
    claims = depth.judge(found)
    assert [claim.verdict for claim in claims] == ["agrees"] * len(claims)
    swapped = {depth.PLAIN: depth.SHORTCUTS, depth.SHORTCUTS: depth.PLAIN, depth.DENSE: depth.DENSE}
    other = {(layers, swapped[kind], seed): each for (layers, kind, seed), each in found.items()}
    words = [claim.verdict for claim in depth.judge(other)]
    assert words == [*("undecided", "disagrees", "undecided", "disagrees", "agrees", "disagrees")]
    row = depth.row("net", [found[8, depth.PLAIN, seed] for seed in depth.SEEDS])
    assert len(row) == len(depth.HEAD)


def test_training_begins_with_the_loss_by_batch_statistics(tmp_path):
    """Of 20 layers with shortcuts, it would be half as large again with statistics 0 and 1."""
    base = steps.load_base("digits_architectures.yaml")
    torch.manual_seed(0)
    problem = load_problem(base["problem"], base["problem_args"])
    landscape_cli.record(problem.model, tmp_path / "net_steps", 0, epoch=0.0)
    images, labels = problem.splits["train"][:]
    with torch.no_grad():
        unset = problem.model.eval()(images)
        scores = problem.model.train()(images)
    workshop = steps.Workshop(tmp_path, base)
    (tmp_path / "net.yaml").write_text(workshop.configuration({"checkpoint": "net.pt"}))
    found = planes.initial_loss(workshop, steps.Network("net", "Net"))
    assert found == pytest.approx(float(cross_entropy(scores, labels)))
    assert abs(float(cross_entropy(unset, labels)) - found) > 1


def test_accuracies_are_those_of_the_checkpoint(tmp_path):
    base = steps.load_base("digits_architectures.yaml")
    changes = {
        "problem_args.model_args.depth": 8,
        "problem_args.samples": {"train": 90, "test": 70},
    }
    workshop = steps.Workshop(tmp_path, base, changes)
    (tmp_path / "net.yaml").write_text(workshop.configuration({"checkpoint": "net.pt"}))
    arguments = load_config(str(tmp_path / "net.yaml")).problem_args
    problem = load_problem(base["problem"], arguments)
    torch.save(problem.model.state_dict(), tmp_path / "net.pt")
    found = planes.accuracies(workshop, steps.Network("net", "Net"))
    assert found.keys() == {"train", "test"}
    for split, accuracy in found.items():
        images, labels = problem.splits[split][:]
        with torch.no_grad():
            right = problem.model.eval()(images).argmax(1) == labels
        assert accuracy == right.double().mean()


def test_networks_differ_in_name_by_all_that_differs():
    nets = [depth.network(*shape, seed) for shape in depth.SHAPES for seed in depth.SEEDS]
    nets += [
        depth.network(depth.DEEP, kind, seed, width=factor)
        for factor in width.WIDTHS
        if factor != depth.WIDTH
        for kind in width.KINDS
        for seed in width.SEEDS
    ]
    assert len({net.name for net in nets}) == len(nets)
    lengths = {net.name: int(net.training[net.training.index("--epochs") + 1]) for net in nets}
    assert lengths["resnet56_noshort_seed0"] == depth.LONGER[56]
    assert lengths["resnet20_noshort_seed0"] == depth.EPOCHS


def test_the_loss_far_away_is_a_mean_of_both_sides(tmp_path):
    lines = []
    for reach in views.REACHES:
        lines.append(tmp_path / f"{reach:g}.h5")
        far = surface(lambda x: 1 + np.where(x > 0, x**4, 4 * x**4), f"{-reach}:{reach}:5")
        write_surface(lines[-1], far)
    assert views.loss_at(lines, 2.0) == pytest.approx(math.sqrt((1 + 16) * (1 + 64)))
    x, y = views.merged(lines)
    assert (np.diff(x) > 0).all()
    np.testing.assert_allclose(y, 1 + np.where(x > 0, x**4, 4 * x**4))
    with pytest.raises(ValueError, match="7"):
        views.loss_at(lines, 7.0)
    write_surface(lines[-1], surface(lambda x: np.where(x > 0, np.inf, x**2), "-8:8:5"))
    with pytest.raises(LandscapeError, match="has no finite loss at a distance of 8"):
        views.loss_at(lines, 8.0)


def test_a_path_of_known_shape():
    """A quarter circle in steps of 10 degrees, then no turn: all of it in one plane."""
    angles = np.radians(np.arange(0, 91, 10))
    steps = np.zeros((20, 40))
    steps[:10, :2] = np.column_stack([np.cos(angles), np.sin(angles)])
    steps[10:, :2] = [0, 1]
    steps[10:, 0] = -0.1 * np.arange(1, 11)
    found = trajectory.measure(steps)
    assert found["components"] == pytest.approx(1)
    assert found["turn"] == pytest.approx(10)
    length = 9 * 2 * math.sin(math.radians(5)) + 1.0
    assert found["length"] == pytest.approx(length / math.hypot(2, 1))
    assert found["random"] == pytest.approx(2 / 40, rel=0.5)


def test_a_random_walk_is_what_it_is_compared_with():
    """Of 40 steps, 8/pi^2 (1 + 1/9) of the variation about the end lie in two components."""
    steps = np.random.default_rng(0).standard_normal((41, 10_000)).cumsum(axis=0)
    found = trajectory.measure(steps)
    assert found["walk"] == pytest.approx(found["components"], abs=0.01)
    assert found["walk"] == pytest.approx(80 / 9 / math.pi**2, abs=0.01)


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
