"""Sharp and flat minima by batch size, weight decay and optimizer, as in Li et al."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from results import Claim, Mean, Results, Table, verdict, worst
from scipy.stats import spearmanr
from steps import Network, Workshop, labelled, load_base, options

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
SEEDS = (0, 1, 2)
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

Key = tuple[str, str, int]
"""Optimizer, weight decay and batch size."""

Measures = Mapping[str, float]
Found = Mapping[Key, Sequence[Measures]]
"""The measures of all seeds of a network."""

KEYS: list[Key] = list(itertools.product(OPTIMIZERS, DECAYS, (SMALL, LARGE)))


def name_of(key: Key) -> str:
    optimizer, decay, batch = key
    return f"{optimizer}, batch {batch}, decay {decay}"


def network(key: Key, seed: int = SEEDS[0], epochs: int = EPOCHS) -> Network:
    optimizer, decay, batch = key
    length = ("--epochs", str(epochs), "--seed", str(seed))
    return Network(
        name=f"{optimizer.lower()}_bs{batch}_wd{decay}_seed{seed}",
        label=name_of(key),
        training=(
            *OPTIMIZERS[optimizer],
            *("--batch-size", str(batch), "--weight-decay", decay, *length),
        ),
    )


def pairs() -> list[tuple[str, Key, Key]]:
    """Return the networks of small and of large batches by what they share."""
    return [
        (f"{optimizer}, decay {decay}", (optimizer, decay, SMALL), (optimizer, decay, LARGE))
        for optimizer, decay in itertools.product(OPTIMIZERS, DECAYS)
    ]


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


SHARPNESS = ("interpolation 0.25", *(f"{kind} {r:g}" for kind in LINES for r in RADII))
"""The measures of sharpness."""


def weights(checkpoint: Path) -> NDArray[np.float64]:
    """Return the weights that random lines perturb: no biases, no batch norm."""
    state = read_state_dict(str(checkpoint)).values()
    return np.concatenate([w.double().numpy().ravel() for w in state if w.dim() > 1])


def weight_norm(checkpoint: Path) -> float:
    """Euclidean norm of the weights."""
    return float(np.linalg.norm(weights(checkpoint)))


def correlations(found: Found) -> dict[str, list[float]]:
    """Return Spearman's rank correlations with the test error, over the networks of each seed."""
    count = len(next(iter(found.values())))
    return {
        name: [
            float(
                spearmanr(
                    [values[seed]["test error (%)"] for values in found.values()],
                    [values[seed][name] for values in found.values()],
                ).statistic
            )
            for seed in range(count)
        ]
        for name in ("training loss", "weight norm", *SHARPNESS)
    }


def tables(found: Found) -> dict[str, Table]:
    """Return the means over seeds, and the correlations."""
    names = list(next(iter(found.values()))[0])
    rows = [
        [name_of(key), *(str(Mean.of(each[name] for each in values)) for name in names)]
        for key, values in found.items()
    ]
    ranks = correlations(found)
    means = [Mean.of(values).text(2) for values in ranks.values()]
    return {
        "networks": Table(["network", *names], rows),
        "ranks": Table(["", *ranks], [["rank correlation", *means]]),
    }


def judge(found: Found) -> list[Claim]:
    """Compare what Li et al. say with what was seen."""

    def gap(name: str, decay: str) -> Mean:
        """Return by how much large batches have more, in logarithms, over seeds and optimizers."""
        return Mean.of(
            float(np.log(large[name] / small[name]))
            for _, one, other in pairs()
            if one[1] == decay
            for small, large in zip(found[one], found[other], strict=True)
        )

    def times(difference: Mean) -> str:
        low, high = (np.exp(difference.value + side * difference.error) for side in (-1, 1))
        return f"{np.exp(difference.value):.2g} times ({low:.2g} to {high:.2g})"

    none, some = DECAYS
    line, norm = (
        {decay: gap(name, decay) for decay in DECAYS}
        for name in ("interpolation 0.25", "weight norm")
    )
    raw = {decay: gap("raw 0.5", decay) for decay in DECAYS}
    ranks = {
        name: Mean.of(values) for name, values in correlations(found).items() if name in SHARPNESS
    }
    flatter = Mean.of(
        float(np.log(large["filter 0.5"] / small["filter 0.5"]))
        for _, one, other in pairs()
        for small, large in zip(found[one], found[other], strict=True)
    )
    decayed = Mean.of(
        float(np.log(with_decay["raw 0.5"] / without["raw 0.5"]))
        for optimizer, batch in itertools.product(OPTIMIZERS, (SMALL, LARGE))
        for without, with_decay in zip(
            found[optimizer, none, batch], found[optimizer, some, batch], strict=True
        )
    )
    dilemma = "Li et al. 2018, *The sharp vs flat dilemma*"
    normalized = "Li et al. 2018, *Filter normalized plots*"
    return [
        Claim(
            dilemma,
            "On the line between two networks without weight decay, small batches look flatter.",
            f"Rise towards and away from the other network, large over small batches: "
            f"{times(line[none])}.",
            verdict(line[none]),
        ),
        Claim(
            dilemma,
            "With weight decay, the same line says the opposite.",
            f"With decay: {times(line[some])}.",
            verdict(-line[some]),
        ),
        Claim(
            dilemma,
            "The reason is the weights: without decay those of small batches are larger, with it "
            "those of large batches.",
            f"Norm, large over small batches: {times(norm[none])} without, {times(norm[some])} "
            "with decay.",
            worst([verdict(-norm[none]), verdict(norm[some])]),
        ),
        Claim(
            dilemma,
            "Lines that are not normalized call networks of smaller weights sharper.",
            f"Rise on raw random lines, with over without decay: {times(decayed)}; large over "
            f"small batches: {times(raw[none])} without, {times(raw[some])} with decay.",
            verdict(decayed),
        ),
        Claim(
            normalized,
            "With filter normalization, small batches are flatter than large ones, with and "
            "without decay.",
            f"Rise at {RADII[0]:g}, large over small batches: {times(flatter)}.",
            verdict(flatter),
        ),
        Claim(
            normalized,
            "With it, sharpness goes with the test error.",
            f"Rank correlation: {ranks['filter 0.5'].text(2)}; on raw lines "
            f"{ranks['raw 0.5'].text(2)}.",
            verdict(ranks["filter 0.5"]),
        ),
    ]


def draw(workshop: Workshop, networks: Mapping[Key, Network]) -> None:
    """Draw the lines between networks, a row per pair, those through each, and the weights."""
    every = [(name, networks[small], kind) for name, small, _ in pairs() for kind in BATCH_NORM]
    lines = [workshop.surface(between(small, kind)) for _, small, kind in every]
    names = labelled(name for name, _, _ in every)
    layout = ("--columns", "2", "--size", "7.2x8", "--dpi", "110")
    workshop.plot("interpolation", lines, "--quantity", "loss", "--log", *layout, *names)
    names = labelled(net.label for net in networks.values())
    layout = ("--columns", "4", "--size", "10x4.4", "--split", "train", "--dpi", "110")
    for kind in LINES:
        lines = [workshop.surface(f"{net.name}_{kind}") for net in networks.values()]
        workshop.plot(kind, lines, "--quantity", "loss", "--log", *layout, *names)
    histograms(workshop, networks)


COLORS = {SMALL: "#1f77b4", LARGE: "#d62728"}


def histograms(workshop: Workshop, networks: Mapping[Key, Network]) -> None:
    """Draw the distribution of the weights of each pair, on a logarithmic scale."""
    figure, panels = plt.subplots(
        1, len(pairs()), figsize=(10, 2.6), sharey=True, layout="constrained"
    )
    for axes, (name, *keys) in zip(np.atleast_1d(panels), pairs(), strict=True):
        for key in keys:
            values, label = weights(workshop.checkpoint(networks[key])), f"batch {key[2]}"
            look = {"histtype": "step", "color": COLORS[key[2]], "linewidth": 1.3}
            axes.hist(values, bins=np.linspace(-1, 1, 81), density=True, label=label, **look)
        axes.set(title=name, xlabel="weight", yscale="log")
        axes.legend(frameon=False, fontsize=8)
    np.atleast_1d(panels)[0].set_ylabel("density")
    figure.savefig(workshop.folder / "weights.png", dpi=110)
    plt.close(figure)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("sharp_flat")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Train VGG-9 with small and large batches, and compare the sharpness of their minima.

    Eight kinds of networks, three seeds of each: SGD and Adam, batches of 128 and 2048, with and
    without weight decay. The training loss is computed on the line from the small-batch to the
    large-batch network, and on filter-normalized and raw random lines through each network.
    """
    workshop = Workshop(folder, load_base("fashion_vgg9.yaml"), parse_changes(assignments), jobs)
    networks = {seed: {key: network(key, seed, epochs or EPOCHS) for key in KEYS} for seed in SEEDS}
    workshop.train(net for each in networks.values() for net in each.values())
    if train_only:
        return
    found: dict[Key, list[Measures]] = {key: [] for key in KEYS}
    for each in networks.values():
        for _, *keys in pairs():
            small, large = (each[key] for key in keys)
            for key, values in zip(keys, measure(workshop, small, large), strict=True):
                found[key].append(values)
    draw(workshop, networks[SEEDS[0]])
    settings = {
        "epochs": epochs or EPOCHS,
        "seeds": len(SEEDS),
        "small": SMALL,
        "large": LARGE,
        "decay": DECAYS[1],
        "sgd": OPTIMIZERS["SGD"][3],
        "adam": OPTIMIZERS["Adam"][3] if "Adam" in OPTIMIZERS else "",
        "samples": workshop.base["problem_args"]["samples"]["train"],
        "radii": list(RADII),
        "reaches": [radius * LINES["raw"][1] for radius in RADII],
        "lines": REPEATS,
    }
    numbers = {
        "accuracy": min(v["training accuracy (%)"] for each in found.values() for v in each) / 100
    }
    figures = ["interpolation", "weights", *LINES]
    workshop.publish(Results(settings, numbers, tables(found), judge(found), figures))


if __name__ == "__main__":
    sys.exit(run_script(command, "sharp_flat"))
