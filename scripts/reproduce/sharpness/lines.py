"""The lines between two minima, lines and planes through each, and what is measured on lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from steps import Network, Workshop

from landscape_cli.problems.checkpoints import read_state_dict
from landscape_cli.store import read_surface
from sharpness.networks import LARGE

LINES = {"filter": ("filter", 1.0), "raw": ("none", 0.05)}
"""Normalization and coordinate at radius 1 of each kind of random line.

A raw direction's entries have variance 1; the trained weights have a root mean square of about 0.1.
"""

RADII = (0.5, 1.0)

BATCH_NORM = {"states": {"perturb": "states"}, "fresh": {"batch_norm": "recalibrate"}}
"""Two kinds of batch-norm statistics between two networks: interpolated linearly, as in Li et al.,
which makes variances negative beyond the network with the smaller ones; or re-estimated."""

POINTS, LINE_POINTS, REPEATS, PLANE_POINTS, SAMPLES = 41, 21, 5, 21, 1000

SHARPNESS = ("interpolation 0.25", *(f"{kind} {r:g}" for kind in LINES for r in RADII))
"""The measures of sharpness."""

Measures = Mapping[str, float]


def between(small: Network, kind: str) -> str:
    return f"{small.name}_to_bs{LARGE}_{kind}"


def interpolate(workshop: Workshop, small: Network, large: Network, kind: str) -> Path:
    """Compute the line from the small-batch network, at 0, to the large-batch network, at 1."""
    changes = {
        "checkpoint": str(workshop.checkpoint(small)),
        "directions": {"x": {"kind": "checkpoint", "path": str(workshop.checkpoint(large))}},
        **BATCH_NORM[kind],
        "grid": {"x": [-0.5, 1.5, POINTS]},
        "samples": 2 * SAMPLES,
    }
    return workshop.compute(between(small, kind), changes)


def random_lines(workshop: Workshop, net: Network, kind: str) -> Path:
    """Compute the loss on lines through a network in independent random directions."""
    normalize, reach = LINES[kind]
    changes = {
        "checkpoint": str(workshop.checkpoint(net)),
        "directions": {"x": {"kind": "random", "seed": 1, "normalize": normalize}},
        "grid": {"x": [-reach, reach, LINE_POINTS]},
        "repeats": REPEATS,
        "samples": SAMPLES,
        "splits": ["train"],
    }
    return workshop.compute(f"{net.name}_{kind}", changes)


def random_plane(workshop: Workshop, net: Network) -> Path:
    """Compute the training loss on a filter-normalized random plane through a network."""
    reach = LINES["filter"][1]
    changes = {
        "checkpoint": str(workshop.checkpoint(net)),
        "directions": {axis: {"kind": "random", "seed": s} for axis, s in (("x", 1), ("y", 2))},
        "grid": {axis: [-reach, reach, PLANE_POINTS] for axis in "xy"},
        "samples": SAMPLES,
        "splits": ["train"],
    }
    return workshop.compute(f"{net.name}_plane", changes)


def training_loss(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a line's coordinates and its training loss, the mean over all repeats."""
    surface = read_surface(path)
    values = np.atleast_2d(surface.values["train", "loss"]).mean(axis=0)
    return surface.grid.axes["x"].coordinates, values


def rise(path: Path, radius: float, centre: float = 0.0) -> float:
    """Rise of the training loss at a distance from a minimum, the mean of both sides."""
    x, values = training_loss(path)
    left, middle, right = np.interp([centre - radius, centre, centre + radius], x, values)
    return float((left + right) / 2 - middle)


def measure(workshop: Workshop, small: Network, large: Network) -> list[Measures]:
    """Measure the test errors of a pair's networks and the sharpness of their minima."""
    lines = {kind: interpolate(workshop, small, large, kind) for kind in BATCH_NORM}
    measures: list[Measures] = []
    for place, net in enumerate((small, large)):
        log = workshop.log(net)
        values = {"test error (%)": 100 * (1 - log["test_accuracy"])}
        values["training accuracy (%)"] = 100 * log["train_accuracy"]
        values["training loss"] = float(np.interp(place, *training_loss(lines["states"])))
        values["weight norm"] = weight_norm(workshop.checkpoint(net))
        values["interpolation 0.25"] = rise(lines["fresh"], 0.25, place)
        for kind, (_, reach) in LINES.items():
            path = random_lines(workshop, net, kind)
            values.update({f"{kind} {radius:g}": rise(path, radius * reach) for radius in RADII})
        measures.append(values)
    return measures


def weights(checkpoint: Path) -> NDArray[np.float64]:
    """Return the weights that random lines perturb: no biases, no batch norm."""
    state = read_state_dict(str(checkpoint)).values()
    return np.concatenate([w.double().numpy().ravel() for w in state if w.dim() > 1])


def weight_norm(checkpoint: Path) -> float:
    """Euclidean norm of the weights."""
    return float(np.linalg.norm(weights(checkpoint)))
