"""The loss surface of one network with its weights rounded to fewer and fewer bits."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from steps import ROOT, Network, Workshop, labelled, landscape, options, output_of, table

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.records.surface import Surface
from landscape_cli.store import read_surface

CONFIG = ROOT / "configs" / "digits_resnet44.yaml"
RECIPE = "--lr 0.02 --batch-size 64 --weight-decay 5e-4"
EPOCHS = 90
BITS = (None, 16, 8, 4, 3, 2, 1)
"""Bits of a weight; None for float32. What 16 bits change is clipped, since they round hardly."""

FINE = 16
"""Bits whose picture would look like that of 8."""

RADIUS = 0.5
POINTS = 25
SPLITS = ("train", "test")


def network(epochs: int = EPOCHS) -> Network:
    return Network(
        name="resnet44",
        label="ResNet-44",
        training=(*RECIPE.split(), "--epochs", str(epochs)),
    )


def name_of(bits: int | None) -> str:
    return "32 bits" if bits is None else f"{bits} bit{'s' * (bits > 1)}"


def plane(workshop: Workshop, net: Network, bits: int | None) -> Path:
    """Compute the plane, on all digits."""
    changes: Mapping[str, Any] = {
        "checkpoint": str(workshop.checkpoint(net)),
        "quantize": bits,
        "grid": {axis: [-1, 1, POINTS] for axis in "xy"},
    }
    return workshop.compute(f"plane_{bits or 32}", changes)


def recalibrated(workshop: Workshop, net: Network, bits: int | None) -> Path:
    """Compute the centre with batch norm's statistics re-estimated, as the middle of a line."""
    changes: Mapping[str, Any] = {
        "checkpoint": str(workshop.checkpoint(net)),
        "quantize": bits,
        "batch_norm": "recalibrate",
        "directions": {"x": {"kind": "random", "seed": 1}},
        "grid": {"x": [-1, 1, 3]},
    }
    return workshop.compute(f"recalibrated_{bits or 32}", changes)


def centre(surface: Surface) -> dict[str, str]:
    """Format the values at the centre by split and quantity."""
    place = surface.grid.nearest(surface.origin)
    found = {}
    for split in SPLITS:
        found[f"{split} loss"] = f"{surface.values[split, 'loss'].flat[place]:.3g}"
        found[f"{split} accuracy"] = f"{100 * surface.values[split, 'accuracy'].flat[place]:.1f}"
    return found


def shape(path: Path) -> list[str]:
    """Format the rises of the training loss at ``RADIUS``, and the share of convex points."""
    what = ("--split", "train", "--quantity", "loss", "--radius", str(RADIUS), "--json")
    found = json.loads(output_of(landscape("describe", str(path), *what)))
    (numbers,) = found["numbers"]
    (ring,) = numbers["sharpness"]["radii"]
    convex = f"{100 * numbers['convexity']['fraction']:.0f}"
    return [f"{ring['mean']:.3g}", f"{ring['maximal']:.3g}", convex]


HEAD = ["bits", "train loss", "train accuracy (%)", "test loss", "test accuracy (%)"]
HEAD += ["test loss, recalibrated", "test accuracy (%), recalibrated"]
HEAD += [f"mean rise at {RADIUS:g}", f"largest rise at {RADIUS:g}", "convex points (%)"]
HEAD += ["lowest train loss", "highest train loss", "clipped at (1, 1) (%)"]


def row(bits: int | None, path: Path, fresh: Path) -> list[str]:
    surface = read_surface(path)
    here, there = centre(surface), centre(read_surface(fresh))
    loss = surface.values["train", "loss"]
    clipped = (surface.provenance.get("quantize") or {}).get("clipped", 0.0)
    return [
        name_of(bits).split()[0],
        *(here[f"{split} {quantity}"] for split in SPLITS for quantity in ("loss", "accuracy")),
        there["test loss"],
        there["test accuracy"],
        *shape(path),
        f"{loss.min():.3g}",
        f"{loss.max():.3g}",
        f"{100 * clipped:.1f}",
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("quantized")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Draw one plane of a trained ResNet-44 on digits with its weights rounded to few bits.

    The network is that of `make demo`. Each surface is that of the quantized network around it, on
    a grid of weights whose scale is fixed at the centre, with frozen batch norm.
    """
    base = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    base["problem_args"]["samples"] = None
    workshop = Workshop(folder, base, parse_changes(assignments), jobs)
    net = network(epochs or EPOCHS)
    workshop.train([net])
    if train_only:
        return
    planes = {bits: plane(workshop, net, bits) for bits in BITS}
    lines = {bits: recalibrated(workshop, net, bits) for bits in BITS}
    draw(workshop, {bits: path for bits, path in planes.items() if bits != FINE})
    rows = [row(bits, path, lines[bits]) for bits, path in planes.items()]
    workshop.write("table.md", table(HEAD, rows))


def draw(workshop: Workshop, planes: Mapping[int | None, Path]) -> None:
    """Draw the training loss of planes on one scale."""
    names = labelled(map(name_of, planes))
    workshop.plot("quantized", list(planes.values()), "--split", "train", "--log", *names)


if __name__ == "__main__":
    sys.exit(run_script(command, "quantized"))
