"""Sharp and flat minima by batch size, weight decay and optimizer, as in Li et al."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from steps import Network, Workshop, labelled, load_base, options, table

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.problems.checkpoints import read_state_dict
from landscape_cli.store import read_surface

OPTIMIZERS = {
    "SGD": ("--optimizer", "sgd", "--lr", "0.1", "--nesterov"),
    "Adam": ("--optimizer", "adam", "--lr", "0.005"),
}
SMALL, LARGE = 128, 2048
DECAYS = ("0", "5e-4")
EPOCHS = 40

LINES = {"filter": ("filter", 1.0), "raw": ("none", 0.05)}
"""Normalization and coordinate at radius 1 of each kind of random line.

A raw direction's entries have variance 1; the trained weights have a root mean square of about 0.1.
"""

RADII = (0.5, 1.0)

BATCH_NORM = {"states": {"perturb": "states"}, "fresh": {"batch_norm": "recalibrate"}}
"""Two kinds of batch-norm statistics between two networks: interpolated linearly, as in Li et al.,
which makes variances negative beyond the network with the smaller ones; or re-estimated."""

POINTS, LINE_POINTS, REPEATS, SAMPLES = 41, 21, 5, 1000

Pair = tuple[Network, Network]
Measures = Mapping[Network, Mapping[str, float]]


def network(optimizer: str, batch: int, decay: str, epochs: int = EPOCHS) -> Network:
    return Network(
        name=f"{optimizer.lower()}_bs{batch}_wd{decay}",
        label=f"{optimizer}, batch {batch}, decay {decay}",
        training=(
            *OPTIMIZERS[optimizer],
            *("--batch-size", str(batch), "--weight-decay", decay, "--epochs", str(epochs)),
        ),
    )


def pairs_by_batch(epochs: int = EPOCHS) -> dict[str, Pair]:
    """Pairs of networks trained with small and large batches, by their common settings."""
    return {
        f"{optimizer}, decay {decay}": (
            network(optimizer, SMALL, decay, epochs),
            network(optimizer, LARGE, decay, epochs),
        )
        for optimizer, decay in itertools.product(OPTIMIZERS, DECAYS)
    }


def pairs_by_decay(epochs: int = EPOCHS) -> dict[str, Pair]:
    """Pairs of networks trained without and with weight decay, by their common settings."""
    without, decayed = DECAYS
    return {
        f"{optimizer}, batch {batch}": (
            network(optimizer, batch, without, epochs),
            network(optimizer, batch, decayed, epochs),
        )
        for optimizer, batch in itertools.product(OPTIMIZERS, (SMALL, LARGE))
    }


def between(pair: Pair, kind: str) -> str:
    small, large = pair
    return f"{small.name}_to_{large.name.split('_')[1]}_{kind}"


def interpolate(workshop: Workshop, pair: Pair, kind: str) -> Path:
    """Compute the line from the small-batch network, at 0, to the large-batch network, at 1."""
    small, large = pair
    changes = {
        "checkpoint": str(workshop.checkpoint(small)),
        "directions": {"x": {"kind": "checkpoint", "path": str(workshop.checkpoint(large))}},
        **BATCH_NORM[kind],
        "grid": {"x": [-0.5, 1.5, POINTS]},
        "samples": 2 * SAMPLES,
    }
    return workshop.compute(between(pair, kind), changes)


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


def measure(workshop: Workshop, pair: Pair) -> Measures:
    """Measure the test errors of a pair's networks and the sharpness of their minima."""
    lines = {kind: interpolate(workshop, pair, kind) for kind in BATCH_NORM}
    measures = {}
    for place, net in enumerate(pair):
        log = workshop.log(net)
        values = {"test error (%)": 100 * (1 - log["test_accuracy"])}
        values["training loss"] = float(np.interp(place, *training_loss(lines["states"])))
        values["weight norm"] = weight_norm(workshop.checkpoint(net))
        values["interpolation 0.25"] = rise(lines["fresh"], 0.25, place)
        for kind, (_, reach) in LINES.items():
            path = random_lines(workshop, net, kind)
            values.update({f"{kind} {radius:g}": rise(path, radius * reach) for radius in RADII})
        measures[net] = values
    return measures


def weight_norm(checkpoint: Path) -> float:
    """Euclidean norm of the weights that random lines perturb: no biases, no batch norm."""
    state = read_state_dict(str(checkpoint)).values()
    return sum(float(w.double().square().sum()) for w in state if w.dim() > 1) ** 0.5


def orders(measures: Measures, pairs: Mapping[str, Pair], words: tuple[str, str]) -> str:
    """Table of the network with the smaller value, for each measure and pair."""
    rows = []
    for name in next(iter(measures.values())):
        signs = [np.sign(measures[b][name] - measures[a][name]) for a, b in pairs.values()]
        rows.append([name, *({1: words[0], -1: words[1]}.get(sign, "neither") for sign in signs)])
    return table(["smaller", *pairs], rows)


def correlations(measures: Measures) -> str:
    """Table of Spearman's rank correlations of the measures with the test error."""
    error, *names = next(iter(measures.values()))
    errors = [values[error] for values in measures.values()]
    ranks = [spearmanr(errors, [v[name] for v in measures.values()]).statistic for name in names]
    return table(["", *names], [["rank correlation", *(f"{value:+.2f}" for value in ranks)]])


def report(measures: Measures, by_batch: Mapping[str, Pair], by_decay: Mapping[str, Pair]) -> str:
    """Tables of all networks' measures, their correlations, and the order within each pair."""
    error, *names = next(iter(measures.values()))
    networks = [
        [net.label, f"{values[error]:.2f}", *(f"{values[name]:.3g}" for name in names)]
        for net, values in measures.items()
    ]
    parts = [
        table(["network", error, *names], networks),
        correlations(measures),
        orders(measures, by_batch, (f"batch {SMALL}", f"batch {LARGE}")),
        orders(measures, by_decay, ("no decay", "decay")),
    ]
    return "\n".join(parts)


def draw(workshop: Workshop, pairs: Mapping[str, Pair]) -> None:
    """Draw the lines between networks, a row per pair, and those through each network."""
    every = [(kind, name) for name in pairs for kind in BATCH_NORM]
    lines = [workshop.surface(between(pairs[name], kind)) for kind, name in every]
    names = labelled(name for _, name in every)
    layout = ("--columns", "2", "--size", "7.2x8")
    workshop.plot("interpolation", lines, "--quantity", "loss", "--log", *layout, *names)
    nets = [net for pair in pairs.values() for net in pair]
    names = labelled(net.label for net in nets)
    layout = ("--columns", "4", "--size", "10x4.4", "--split", "train")
    for kind in LINES:
        lines = [workshop.surface(f"{net.name}_{kind}") for net in nets]
        workshop.plot(kind, lines, "--quantity", "loss", "--log", *layout, *names)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("sharp_flat")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Train VGG-9 with small and large batches, and compare the sharpness of their minima.

    Eight networks: SGD and Adam, batches of 128 and 2048, with and without weight decay. The
    training loss is computed on the line from the small-batch to the large-batch network, and on
    filter-normalized and raw random lines through each network.
    """
    workshop = Workshop(folder, load_base("fashion_vgg9.yaml"), parse_changes(assignments), jobs)
    pairs = pairs_by_batch(epochs or EPOCHS)
    workshop.train(net for pair in pairs.values() for net in pair)
    if not train_only:
        measures: dict[Network, Mapping[str, float]] = {}
        for pair in pairs.values():
            measures.update(measure(workshop, pair))
        draw(workshop, pairs)
        workshop.write("table.md", report(measures, pairs, pairs_by_decay(epochs or EPOCHS)))


if __name__ == "__main__":
    sys.exit(run_script(command, "sharp_flat"))
