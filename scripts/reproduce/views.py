"""Views of one minimum: along random directions and along the training's path, near and far."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import matplotlib.pyplot as plt
import numpy as np
import planes
from numpy.typing import NDArray
from results import Claim, Mean, Results, Table, verdict
from steps import Network, Workshop, landscape, load_base, options, recipe

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.errors import LandscapeError
from landscape_cli.store import read_surface

DEPTH, WIDTH = 44, 0.5
SEEDS = (0, 1, 2)
RECIPE = "--lr 0.02 --batch-size 64 --weight-decay 5e-4 --at-least accuracy=0.99 --restarts 3"
EPOCHS, EVERY = 90, 5
POINTS = 31

KINDS = {"shortcuts": True, "no shortcuts": False}

REACHES = (0.1, 0.5, 2.0, 8.0)
"""Lengths of lines to either side, in units of the filters' norms. Not much farther away, single
precision has no number for the loss."""

LINE_POINTS = 41


def network(kind: str, seed: int, epochs: int = EPOCHS) -> Network:
    model = {"depth": DEPTH, "width": WIDTH, "shortcuts": KINDS[kind]}
    record = ("--every", str(EVERY), "--epochs", str(epochs), "--seed", str(seed))
    return Network(
        name=f"{kind.replace(' ', '_')}_seed{seed}",
        label=f"ResNet-{DEPTH}{'' if KINDS[kind] else ', no shortcuts'}",
        changes={f"problem_args.model_args.{key}": value for key, value in model.items()},
        training=(*RECIPE.split(), *record),
    )


def random_plane(workshop: Workshop, net: Network) -> Path:
    changes = {
        **net.changes,
        "checkpoint": str(workshop.checkpoint(net)),
        "grid": {axis: [-1, 1, POINTS] for axis in "xy"},
    }
    return workshop.compute(f"{net.name}_random", changes)


def path_plane(workshop: Workshop, net: Network) -> Path:
    """Compute the plane in which training moved most, over the range of its path."""
    path, epochs = workshop.folder / f"{net.name}.trajectory.h5", f"{net.name}_epochs"
    if not path.exists():
        checkpoints = ("--checkpoints", str(workshop.folder / epochs / "epoch_*.pt"))
        log = ("--log", str(workshop.folder / epochs / "log.csv"))
        config = str(workshop.folder / f"{net.name}.yaml")
        words = landscape("trajectory", config, *checkpoints, *log, "-o", str(path))
        workshop.spend("surfaces", words)
    changes = {
        **net.changes,
        **planes.of_path(path, POINTS),
        "checkpoint": str(workshop.checkpoint(net)),
    }
    return workshop.compute(f"{net.name}_path", changes)


def line(workshop: Workshop, net: Network, reach: float) -> Path:
    changes = {
        **net.changes,
        "checkpoint": str(workshop.checkpoint(net)),
        "directions": {"x": {"kind": "random", "seed": 1}},
        "grid": {"x": [-reach, reach, LINE_POINTS]},
    }
    return workshop.compute(f"{net.name}_line{reach:g}", changes)


def loss_at(paths: Sequence[Path], distance: float) -> float:
    """Return the geometric mean of the loss at a distance on both sides, from the lines."""
    for path in paths:
        surface = read_surface(path)
        axis = surface.grid.axes["x"]
        if np.isclose(axis.high, distance):
            loss = float(np.exp(np.log(surface.values[planes.LOSS][[0, -1]]).mean()))
            if np.isfinite(loss):
                return loss
            raise LandscapeError(f"{path}: has no finite loss at a distance of {distance:g}")
    raise ValueError(distance)


def measure(views: Mapping[str, Path], lines: Sequence[Path]) -> dict[str, float]:
    found = {}
    for name, path in views.items():
        numbers = planes.numbers(path)
        found[f"{name} convex"] = numbers["convex"]
        found[f"{name} roughness"] = numbers["roughness"]
    for reach in REACHES:
        found[f"loss {reach:g}"] = loss_at(lines, reach)
    far = (REACHES[-1], REACHES[-2])
    rise = np.log(found[f"loss {far[0]:g}"] / found[f"loss {far[1]:g}"])
    found["power"] = float(rise / np.log(far[0] / far[1]))
    return found


HEAD = ["network", "convex points, random plane (%)", "convex points, path's plane (%)"]
HEAD += ["roughness, random plane (% of range)", "roughness, path's plane (% of range)"]
FAR = ["network", *(f"loss at {reach:g}" for reach in REACHES), "power of the distance"]


def judge(found: Mapping[str, Sequence[Mapping[str, float]]]) -> list[Claim]:
    """Compare what the talk says with what was seen."""

    def over_seeds(kind: str, name: str) -> Mean:
        return Mean.of(each[name] for each in found[kind])

    rough = {view: over_seeds("no shortcuts", f"{view} convex") for view in ("random", "path")}
    gain = Mean.of(each["path convex"] - each["random convex"] for each in found["no shortcuts"])
    far, near = (
        [Mean.of(np.log10(each[f"loss {reach:g}"]) for each in found[kind]) for kind in KINDS]
        for reach in (REACHES[-1], REACHES[1])
    )
    return [
        Claim(
            "Goldstein's talk",
            "Directions chosen from the training's path hide the non-convexity that random ones "
            "show.",
            f"Convex points without shortcuts: {rough['path'].percent()} in the path's plane, "
            f"{rough['random'].percent()} in a random one.",
            verdict(gain),
        ),
        Claim(
            "Goldstein's talk",
            "Zoomed out far enough, the loss explodes.",
            f"Loss at {REACHES[-1]:g} filter norms, decades above that at {REACHES[1]:g}: "
            + ", ".join(f"{a - b} ({kind})" for a, b, kind in zip(far, near, KINDS, strict=True))
            + ".",
            verdict(min((a - b for a, b in zip(far, near, strict=True)), key=lambda m: m.value)),
        ),
    ]


def profile(workshop: Workshop, lines: Mapping[str, Sequence[Path]]) -> None:
    """Draw the loss against the distance, over all lines of the first seed, both logarithmic."""
    figure, axes = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
    for kind, color in zip(KINDS, ("#1f77b4", "#d62728"), strict=True):
        x, y = merged(lines[kind])
        for side, style in ((1, "-"), (-1, "--")):
            part = side * x > 0
            label = f"{kind}, {'positive' if side > 0 else 'negative'} side"
            axes.plot(side * x[part], y[part], style, color=color, label=label, linewidth=1.2)
    axes.set(xscale="log", yscale="log", xlabel="distance (filter norms)", ylabel="training loss")
    axes.legend(frameon=False, fontsize=8)
    axes.grid(alpha=0.3)
    figure.savefig(workshop.folder / "far.png", dpi=130)
    plt.close(figure)


def merged(paths: Sequence[Path]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the coordinates and losses of lines that differ in reach, in ascending order."""
    found: dict[float, float] = {}
    for path in paths:
        surface = read_surface(path)
        x = surface.grid.axes["x"].coordinates
        found.update(zip(x.tolist(), surface.values[planes.LOSS].tolist(), strict=True))
    x = np.array(sorted(found))
    return x, np.array([found[value] for value in x.tolist()])


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("views")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Look at the same minima along random directions and along the training's path, and from afar.

    ResNets-44 with and without shortcuts on digits, three seeds of each.
    """
    base = load_base("digits_architectures.yaml")
    workshop = Workshop(folder, base, parse_changes(assignments), jobs)
    keys = [(kind, seed) for seed in SEEDS for kind in KINDS]
    networks = {key: network(*key, epochs or EPOCHS) for key in keys}
    workshop.train(networks.values())
    if train_only:
        return
    views = {
        key: {"random": random_plane(workshop, net), "path": path_plane(workshop, net)}
        for key, net in networks.items()
    }
    lines = {key: [line(workshop, net, r) for r in REACHES] for key, net in networks.items()}
    found = {
        kind: [measure(views[kind, seed], lines[kind, seed]) for seed in SEEDS] for kind in KINDS
    }
    draw(workshop, networks, views)
    profile(workshop, {kind: lines[kind, SEEDS[0]] for kind in KINDS})
    workshop.publish(results(workshop, networks, found))


def draw(
    workshop: Workshop,
    networks: Mapping[tuple[str, int], Network],
    views: Mapping[tuple[str, int], Mapping[str, Path]],
) -> None:
    """Draw both planes of the first seed's networks."""
    chosen = [(kind, view) for kind in KINDS for view in ("random", "path")]
    names = {"random": "random plane", "path": "path's plane"}
    workshop.plot(
        "planes",
        [views[kind, SEEDS[0]][view] for kind, view in chosen],
        *("--columns", "4", "--size", "11x3.2", "--log", "--dpi", "110"),
        *(
            word
            for kind, view in chosen
            for word in ("--label", f"{networks[kind, SEEDS[0]].label}: {names[view]}")
        ),
    )


def results(
    workshop: Workshop,
    networks: Mapping[tuple[str, int], Network],
    found: Mapping[str, Sequence[Mapping[str, float]]],
) -> Results:
    def cell(kind: str, name: str, factor: float = 100, digits: int = 3) -> str:
        return Mean.of(factor * each[name] for each in found[kind]).text(digits)

    near = [
        [
            kind,
            *(cell(kind, f"{v} {w}") for w in ("convex", "roughness") for v in ("random", "path")),
        ]
        for kind in KINDS
    ]
    far = [
        [kind, *(cell(kind, f"loss {reach:g}", 1) for reach in REACHES), cell(kind, "power", 1)]
        for kind in KINDS
    ]
    settings: dict[str, Any] = {
        "recipe": recipe(RECIPE),
        "depth": DEPTH,
        "epochs": EPOCHS,
        "every": EVERY,
        "seeds": len(SEEDS),
        "points": POINTS,
        "reaches": list(REACHES),
    }
    accuracies = [workshop.log(net)["train_accuracy"] for net in networks.values()]
    tables = {"near": Table(HEAD, near), "far": Table(FAR, far)}
    return Results(settings, {"accuracy": min(accuracies)}, tables, judge(found), ["planes", "far"])


if __name__ == "__main__":
    sys.exit(run_script(command, "views"))
