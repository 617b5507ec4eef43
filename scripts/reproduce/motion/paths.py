"""Do small batches move along the contours until the learning rate drops? (Li et al. 2018, 7)"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import h5py
from steps import Network, Workshop, landscape, launcher, output_of, run, table

from motion.runs import KINDS, SEEDS, Kind, recording

POINTS = 21
"""Points along each axis of a plane."""

APART = 8
"""Every eighth checkpoint is on a path, with the gradient on all training images: on fewer, it
would be another one where the training loss is small."""

PHASES = ("before", "after")
"""The phases of a training: before and after the learning rate drops."""

HEAD = (
    *("training", "seed"),
    *(f"length {phase}" for phase in PHASES),
    *(f"cos, all parameters, {phase}" for phase in PHASES),
    *(f"abs. cos, plane, {phase}" for phase in PHASES),
    *(f"train loss {phase}" for phase in PHASES),
)


def trace(workshop: Workshop, kind: Kind, network: Network) -> Path:
    """Compute a path with its losses and gradients; what is there is not computed again."""
    output = workshop.folder / f"{network.name}.trajectory.h5"
    steps = f"{recording(workshop, network)}::::{kind.every * APART}"
    config = str(workshop.folder / f"{network.name}.yaml")
    words = ("--checkpoints", steps, "--gradients", "--split", "train", "-o", str(output))
    if output.exists() and "descent" in described(output)["paths"][0]["phases"][0]:
        click.echo(f"have {output}")
    else:
        run([*launcher(workshop.jobs), *landscape("trajectory", config, *words, "--quiet")])
    return output


def plane(workshop: Workshop, network: Network, path: Path) -> Path:
    """Compute the training loss on the plane of a path."""
    with h5py.File(path) as file:
        ranges = {axis: file.attrs[f"range_{axis}"].tolist() for axis in "xy"}
    changes = {
        "checkpoint": str(workshop.checkpoint(network)),
        "directions": {axis: {"kind": "file", "path": str(path)} for axis in ranges},
        "grid": {axis: [*range_, POINTS] for axis, range_ in ranges.items()},
        "splits": ["train"],
    }
    return workshop.compute(f"{network.name}_plane", changes)


def described(path: Path) -> dict[str, Any]:
    """Return the numbers of a file."""
    found: dict[str, Any] = json.loads(output_of(landscape("describe", str(path), "--json")))
    return found


def row(kind: Kind, seed: int, own: Mapping[str, Any], inside: Mapping[str, Any]) -> list[str]:
    """Return a row of the table.

    Args:
        kind: the way of training.
        seed: its seed.
        own: the numbers of the path.
        inside: those of the path in its plane.
    """
    first, second = own["phases"]
    ends = (first["steps"], first["steps"] + second["steps"])
    return [
        *(kind.label, str(seed)),
        *(f"{phase['length']:.3g}" for phase in (first, second)),
        *(with_error(phase["descent"]) for phase in (first, second)),
        *(with_error(phase) for phase in inside["phases"]),
        *(ending(own, "loss", place) for place in ends),
    ]


def with_error(number: Mapping[str, Any]) -> str:
    return f"{number['mean']:.3f} ± {number['stderr']:.1g}"


def ending(path: Mapping[str, Any], quantity: str, place: int) -> str:
    """Format a value at the end of a phase."""
    (values,) = [one["each"] for one in path["values"] if one["quantity"] == quantity]
    return f"{float(values[place]):.3g}"


def study(workshop: Workshop, epochs: int | None) -> None:
    """Trace every run, and compare its steps with gradients and contours."""
    lines, surfaces = [], {}
    for kind in KINDS:
        for seed in SEEDS:
            network = kind.network(seed, epochs)
            path = trace(workshop, kind, network)
            surface = plane(workshop, network, path)
            (own,), (numbers,) = described(path)["paths"], described(surface)["numbers"]
            lines.append(row(kind, seed, own, numbers["path"]["paths"][0]))
            surfaces[kind, seed] = surface
    workshop.write("paths.md", table(HEAD, lines))
    shown = [surfaces[kind, SEEDS[0]] for kind in KINDS[:2]]
    workshop.plot("paths", shown, "--size", "28x10cm")
