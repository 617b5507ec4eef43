"""Contours of ResNets by depth, width and shortcuts, as in sections 5 and 6 of Li et al."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from results import Table
from steps import Network, Workshop, landscape, load_base, options, output_of

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

DEPTHS = ((8, 0.25), (20, 0.25), (56, 0.25))
WIDTHS = ((56, 0.125), (56, 0.25), (56, 0.5))
FIGURES = {"depths": DEPTHS, "widths": WIDTHS}
RECIPE = "--optimizer sgd --lr 0.1 --nesterov --batch-size 64 --weight-decay 5e-4 --every 100"
EPOCHS = 8
TOP = 10
"""Highest loss drawn."""


def network(depth: int, width: float, shortcuts: bool, epochs: int = EPOCHS) -> Network:
    model = {"depth": depth, "width": width, "shortcuts": shortcuts}
    return Network(
        name=f"resnet{depth}_width{width:g}{'' if shortcuts else '_noshort'}",
        label=f"ResNet-{depth}, width {width:g}{'' if shortcuts else ', no shortcuts'}",
        changes={f"problem_args.model_args.{key}": value for key, value in model.items()},
        training=(*RECIPE.split(), "--epochs", str(epochs)),
    )


def contours(workshop: Workshop, net: Network) -> Path:
    """Compute the base configuration's plane through a network."""
    changes = {**net.changes, "checkpoint": str(workshop.checkpoint(net))}
    return workshop.compute(f"{net.name}_plane", changes)


def row(workshop: Workshop, net: Network, surface: Path) -> list[str]:
    """Make a network's table row from its training log and `landscape describe`."""
    arguments = ("describe", str(surface), "--split", "train", "--radius", "0.5", "--json")
    numbers: dict[str, Any] = json.loads(output_of(landscape(*arguments)))["numbers"][0]
    rise = numbers["sharpness"]["radii"][0]
    return [
        net.label,
        f"{100 * (1 - workshop.log(net)['test_accuracy']):.2f}",
        f"{numbers['centre']:.3g}",
        f"{rise['mean']:.3g}",
        f"{rise['maximal']:.3g}",
        f"{100 * numbers['convexity']['fraction']:.0f}",
        f"{100 * numbers['roughness']['relative']:.2g}",
    ]


HEAD = ["network", "test error (%)", "training loss", "mean rise at 0.5"]
HEAD += ["maximal rise at 0.5", "convex (% of points)", "roughness (% of range)"]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("architectures")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Train ResNets with and without shortcuts, and compare their loss surfaces.

    Three depths and three widths on Fashion-MNIST; for each network, the training loss on a
    filter-normalized random plane, drawn as contours in one figure for the depths and one for the
    widths, and a table of numbers from `landscape describe`.
    """
    workshop = Workshop(folder, load_base("fashion_resnet.yaml"), parse_changes(assignments), jobs)
    networks = {
        (shape, shortcuts): network(*shape, shortcuts, epochs or EPOCHS)
        for shape in dict.fromkeys(DEPTHS + WIDTHS)
        for shortcuts in (True, False)
    }
    workshop.train(networks.values())
    if train_only:
        return
    surfaces = {key: contours(workshop, net) for key, net in networks.items()}
    for name, shapes in FIGURES.items():
        chosen = [surfaces[shape, shortcuts] for shortcuts in (True, False) for shape in shapes]
        limits = ("--split", "train", "--quantity", "loss", "--vmax", str(TOP), "--columns", "3")
        workshop.plot(name, chosen, *limits)
    rows = [row(workshop, networks[key], surface) for key, surface in surfaces.items()]
    workshop.write("table.md", Table(HEAD, rows).markdown + "\n")


if __name__ == "__main__":
    sys.exit(run_script(command, "architectures"))
