"""Do small batches move along the contours until the learning rate drops? (Li et al. 2018, 7)"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import planes
import torch
from results import Claim, Mean, Results, Table, verdict
from steps import Network, Workshop, labelled, landscape, launcher, output_of

from landscape_cli.problems.checkpoints import read_state_dict
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
        command = [*launcher(workshop.jobs), *landscape("trajectory", config, *words, "--quiet")]
        workshop.spend("trajectories", command)
    return output


def plane(workshop: Workshop, network: Network, path: Path) -> Path:
    """Compute the training loss on the plane of a path."""
    changes = {
        **planes.of_path(path, POINTS),
        "checkpoint": str(workshop.checkpoint(network)),
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


def far(angles: Mapping[tuple[str, str], list[float]], parameters: int) -> dict[str, float]:
    """Return how far cosines are from those of random directions in the space of all parameters.

    Args:
        angles: the mean cosines of each seed.
        parameters: the number of dimensions n; a random direction's |cos| has the mean
            sqrt(2 / (pi n)) for large n.
    """
    random = math.sqrt(2 / (math.pi * parameters))
    return {"random": random, "least": min(min(each) for each in angles.values()) / random}


Angles = Mapping[tuple[str, str], Mean]
"""Mean cosines between steps and gradients, by training and phase."""


def judge(cosines: Angles, inside: Angles) -> list[Claim]:
    """Compare what Li et al. say with what was seen.

    Args:
        cosines: in the space of all parameters.
        inside: by size, in each path's plane.
    """
    small, large = (kind.label for kind in KINDS[:2])
    before, after = PHASES
    source = "Li et al. 2018, section 7"
    return [
        Claim(
            source,
            "Until the learning rate falls, small batches move more along the contours than large "
            "ones.",
            f"Cosine between step and negative gradient: {cosines[small, before]} ({small}), "
            f"{cosines[large, before]} ({large}).",
            verdict(cosines[large, before] - cosines[small, before]),
        ),
        Claim(
            source,
            "Once it has fallen, they turn towards the minimum.",
            f"{small}: {cosines[small, before]} before, {cosines[small, after]} after.",
            verdict(cosines[small, after] - cosines[small, before]),
        ),
        Claim(
            source,
            "In the path's plane, steps of small batches are nearly parallel to the contours.",
            f"{small}: {inside[small, before]} before (1 is straight across them; a half would be "
            "60 degrees).",
            verdict(Mean(0.5, 0) - inside[small, before]),
        ),
    ]


def study(workshop: Workshop, epochs: int | None) -> Results:
    """Trace every run, and compare its steps with gradients and contours."""
    lines, surfaces = [], {}
    angles: dict[str, dict[tuple[str, str], list[float]]] = {"all": {}, "plane": {}}
    off, accuracies = [], []
    for kind in KINDS:
        for seed in SEEDS:
            network = kind.network(seed, epochs)
            path = trace(workshop, kind, network)
            surface = plane(workshop, network, path)
            (own,), (numbers,) = described(path)["paths"], described(surface)["numbers"]
            inside = numbers["path"]["paths"][0]
            lines.append(row(kind, seed, own, inside))
            for phase, first, second in zip(PHASES, own["phases"], inside["phases"], strict=True):
                key = (kind.label, phase)
                angles["all"].setdefault(key, []).append(first["descent"]["mean"])
                angles["plane"].setdefault(key, []).append(second["mean"])
            surfaces[kind, seed] = surface
            off.append(inside["off"]["largest"])
            accuracies.append(workshop.log(network)["train_accuracy"])
    shown = [surfaces[kind, SEEDS[0]] for kind in KINDS[:2]]
    names = labelled(kind.label for kind in KINDS[:2])
    workshop.plot("paths", shown, "--size", "28x10cm", "--dpi", "110", *names)
    means = {
        where: {key: Mean.of(values) for key, values in each.items()}
        for where, each in angles.items()
    }
    settings = {"apart": APART, "plane_points": POINTS, "seeds": len(SEEDS)}
    tables = {"paths": Table(HEAD, lines)}
    parameters = sum(map(torch.numel, read_state_dict(str(workshop.checkpoint(network))).values()))
    found = {
        **far(angles["all"], parameters),
        "parameters": parameters,
        "random_in_plane": numbers["path"]["random"],
        "off": [min(off), max(off)],
        "accuracy": min(accuracies),
    }
    return Results(settings, found, tables, judge(means["all"], means["plane"]), ["paths"])
