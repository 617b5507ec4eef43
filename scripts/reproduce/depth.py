"""Depth and shortcuts, as in figures 1 and 5 of Li et al.: smooth surfaces and chaotic ones."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import planes
from results import Claim, Mean, Results, Table, ordered, verdict
from steps import Network, Workshop, load_base, options, recipe

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.store import read_surface

DEPTHS = (8, 20, 56, 110)
SEEDS = (0, 1, 2)
SHORTCUTS, PLAIN, DENSE = "shortcuts", "no shortcuts", "dense"
"""Kinds of networks: ResNets with and without shortcuts, and a DenseNet."""

DENSE_DEPTH, GROWTH = 121, 6
WIDTH = 0.5
RECIPE = (
    "--lr 0.02 --batch-size 64 --weight-decay 5e-4 "
    "--recalibrate 2000 --every 1000 --keep-every 1000epochs"
)
"""At the end, batch norm takes the statistics of all digits at once: deep networks without
shortcuts need that, and to a relative 1e-4."""

DEEP_RECIPE = RECIPE.replace("--lr 0.02", "--lr 0.05 --clip 0.5 --at-least accuracy=0.99")
DEEP_RECIPE += " --restarts 2"
"""Of deep networks without shortcuts, whose gradients explode: with the other recipe, 110 layers
stay at the loss of chance. Those that do not fit are trained on, from the first rate."""

FIT = 0.99
"""Training accuracy from which a network fits its data."""

EPOCHS = 90
LONGER = {56: 360, 110: 480}
"""Epochs of training; of deep networks without shortcuts, by their depth."""

DEEP = 56
POINTS = 25
TOP = 10
"""Highest loss drawn."""

LI = "Li et al. 2018, *{}*"
"""A part of the paper by its title."""

Key = tuple[int, str, int]
"""Depth, kind and seed."""

Measures = Mapping[str, float]

SHAPES = [(depth, kind) for kind in (SHORTCUTS, PLAIN) for depth in DEPTHS]
SHAPES += [(DENSE_DEPTH, DENSE)]


def network(
    depth: int, kind: str, seed: int, epochs: int | None = None, width: float = WIDTH
) -> Network:
    if kind == DENSE:
        model: dict[str, Any] = {"depth": depth, "growth": GROWTH}
        name, label = f"densenet{depth}", f"DenseNet-{depth}"
        changes = {"problem_args.model": "densenet", "problem_args.model_args": model}
    else:
        model = {"depth": depth, "width": width, "shortcuts": kind == SHORTCUTS}
        name = f"resnet{depth}{'' if kind == SHORTCUTS else '_noshort'}"
        name += "" if width == WIDTH else f"_width{width:g}"
        label = f"ResNet-{depth}{'' if kind == SHORTCUTS else ', no shortcuts'}"
        changes = {f"problem_args.model_args.{key}": value for key, value in model.items()}
    slow = kind == PLAIN and depth in LONGER
    training, length = (DEEP_RECIPE, LONGER[depth]) if slow else (RECIPE, EPOCHS)
    return Network(
        name=f"{name}_seed{seed}",
        label=label,
        changes=changes,
        training=(*training.split(), "--epochs", str(epochs or length), "--seed", str(seed)),
    )


def plane(workshop: Workshop, net: Network) -> Path:
    changes = {
        **net.changes,
        "checkpoint": str(workshop.checkpoint(net)),
        "grid": {axis: [-1, 1, POINTS] for axis in "xy"},
    }
    return workshop.compute(f"{net.name}_plane", changes)


def planned(net: Network) -> int:
    """Return the epochs after which training ends, unless the network does not fit."""
    return int(net.training[net.training.index("--epochs") + 1])


def measure(workshop: Workshop, net: Network, surface: Path) -> Measures:
    """Measure a network, the loss that it began with, and the plane around it."""
    accuracy = planes.accuracies(workshop, net)
    initial = planes.initial_loss(workshop, net)
    inside, outside = planes.convex_within(read_surface(surface), initial)
    return {
        **planes.numbers(surface),
        "rounds": len(workshop.logs(net)) / planned(net),
        "train accuracy": accuracy["train"],
        "test error": 1 - accuracy["test"],
        "initial loss": initial,
        "convex inside": inside,
        "convex outside": outside,
    }


HEAD = ["network", "training accuracy (%)", "test error (%)", "training loss", "initial loss"]
HEAD += [
    f"mean rise at {planes.RADIUS:g}",
    "convex points (%)",
    "convex below the initial loss (%)",
]
HEAD += ["convex above it (%)", "roughness (% of range)"]


def row(label: str, found: Sequence[Measures]) -> list[str]:
    """Format means over seeds with standard errors."""

    def cell(name: str, factor: float = 1, digits: int = 3) -> str:
        return Mean.of(factor * each[name] for each in found).text(digits)

    return [
        label,
        cell("train accuracy", 100, 4),
        cell("test error", 100),
        cell("centre"),
        cell("initial loss"),
        cell("mean rise"),
        cell("convex", 100),
        cell("convex inside", 100),
        cell("convex outside", 100),
        cell("roughness", 100, 2),
    ]


def judge(found: Mapping[Key, Measures]) -> list[Claim]:
    """Compare what Li et al. say with what was seen."""

    def over_seeds(name: str, depth: int, kind: str) -> Mean:
        return Mean.of(found[depth, kind, seed][name] for seed in SEEDS)

    kinds = (SHORTCUTS, PLAIN)
    convex = {kind: [over_seeds("convex", depth, kind) for depth in DEPTHS] for kind in kinds}
    words = {kind: ", ".join(each.percent() for each in means) for kind, means in convex.items()}
    inside, outside = (over_seeds(f"convex {side}", DEEP, PLAIN) for side in ("inside", "outside"))
    rises = {kind: over_seeds("mean rise", DEEP, kind) for kind in kinds}
    errors = {kind: over_seeds("test error", DEPTHS[-1], kind) for kind in kinds}
    dense = over_seeds("convex", DENSE_DEPTH, DENSE)
    return [
        Claim(
            LI.format("The effect of network depth"),
            "Without shortcuts, surfaces go from convex to chaotic with depth.",
            f"Convex points at depths {', '.join(map(str, DEPTHS))}: {words[PLAIN]}.",
            ordered(convex[PLAIN], falling=True),
        ),
        Claim(
            LI.format("Shortcut connections to the rescue"),
            "Shortcuts prevent this transition.",
            f"Convex points with shortcuts, at the same depths: {words[SHORTCUTS]}.",
            verdict(convex[SHORTCUTS][-1] - convex[PLAIN][-1]),
        ),
        Claim(
            LI.format("Shortcut connections to the rescue"),
            f"A DenseNet-{DENSE_DEPTH} is smooth where a plain network of {DEPTHS[-1]} layers is "
            "chaotic.",
            f"Convex points: {dense.percent()} and {convex[PLAIN][-1].percent()}.",
            verdict(dense - convex[PLAIN][-1]),
        ),
        Claim(
            LI.format("Shortcut connections to the rescue"),
            f"With shortcuts, the minimum of a network of {DEEP} layers is flatter.",
            f"Mean rise at {planes.RADIUS:g}: {rises[SHORTCUTS]} with, {rises[PLAIN]} without.",
            verdict(rises[PLAIN] - rises[SHORTCUTS]),
        ),
        Claim(
            LI.format("Implications for network initialization"),
            "The loss of a random initialization parts a convex region from a chaotic one.",
            f"Convex points of {DEEP} layers without shortcuts: {inside.percent()} below the "
            f"initial loss, {outside.percent()} above it.",
            verdict(inside - outside),
        ),
        Claim(
            LI.format("Landscape geometry affects generalization"),
            "Chaotic surfaces go with a higher test error.",
            f"Test error of {DEPTHS[-1]} layers: {errors[SHORTCUTS].percent(3)} with shortcuts, "
            f"{errors[PLAIN].percent(3)} without.",
            verdict(errors[PLAIN] - errors[SHORTCUTS]),
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("depth")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Train ResNets of four depths with and without shortcuts, and a DenseNet; draw their surfaces.

    Digits, three seeds of each; for each network, the training loss on a filter-normalized random
    plane, with the contour of the loss that its training began with.
    """
    changes = parse_changes(assignments)
    workshop = Workshop(folder, load_base("digits_architectures.yaml"), changes, jobs)
    networks = {(*shape, seed): network(*shape, seed, epochs) for seed in SEEDS for shape in SHAPES}
    workshop.train(networks.values())
    if train_only:
        return
    surfaces = {key: plane(workshop, net) for key, net in networks.items()}
    found = {key: measure(workshop, net, surfaces[key]) for key, net in networks.items()}
    first = [(*shape, SEEDS[0]) for shape in SHAPES]
    planes.draw(
        workshop,
        "planes",
        [surfaces[key] for key in first],
        [networks[key].label.replace(", ", "\n") for key in first],
        [found[key]["initial loss"] for key in first],
        columns=len(DEPTHS),
        vmax=TOP,
        size=(9.0, 6.8),
    )
    rows = [
        row(networks[(*shape, SEEDS[0])].label, [found[(*shape, seed)] for seed in SEEDS])
        for shape in SHAPES
    ]
    workshop.publish(results(rows, judge(found), found))


def results(
    rows: Sequence[Sequence[str]], claims: Sequence[Claim], found: Mapping[Key, Measures]
) -> Results:
    settings, numbers = facts(found.values(), len(SEEDS))
    own = {"deep": DEEP, "width": WIDTH, "growth": GROWTH}
    tables = {"networks": Table(HEAD, rows)}
    return Results({**settings, **own}, numbers, tables, claims, ["planes"])


def facts(found: Collection[Measures], seeds: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings and numbers that the page of such a study mentions."""
    settings = {
        "seeds": seeds,
        "recipe": recipe(RECIPE),
        "deep_recipe": recipe(DEEP_RECIPE),
        "fit": FIT,
        "epochs": EPOCHS,
        "longer": {str(depth): length for depth, length in LONGER.items()},
        "points": POINTS,
        "top": TOP,
    }
    fitted = sum(each["train accuracy"] >= FIT for each in found)
    restarted = sum(each["rounds"] > 1 for each in found)
    return settings, {"fitted": fitted, "networks": len(found), "restarted": restarted}


if __name__ == "__main__":
    sys.exit(run_script(command, "depth"))
