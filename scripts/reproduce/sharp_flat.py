"""Sharp and flat minima by batch size, weight decay and optimizer, as in Li et al."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
import matplotlib.pyplot as plt
import numpy as np
import planes
from results import Results, Table
from sharpness import lines
from sharpness.lines import (
    BATCH_NORM,
    LINES,
    RADII,
    Measures,
    between,
    measure,
    random_plane,
    weights,
)
from sharpness.networks import DECAYS, EPOCHS, LARGE, OPTIMIZERS, SEEDS, SMALL, Key, network, pairs
from sharpness.verdicts import judge, tables
from steps import Network, Workshop, labelled, load_base, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes

LAYOUT = ("--quantity", "loss", "--log", "--columns", "4", "--size", "10x4.4")
LAYOUT += ("--split", "train", "--dpi", "110")


def draw(workshop: Workshop, networks: Mapping[Key, Network]) -> None:
    """Draw the lines between networks, a row per pair, those through each, and the weights."""
    every = [(name, networks[small], kind) for name, small, _ in pairs() for kind in BATCH_NORM]
    surfaces = [workshop.surface(between(small, kind)) for _, small, kind in every]
    names = labelled(name for name, _, _ in every)
    layout = ("--columns", "2", "--size", "7.2x8", "--dpi", "110")
    workshop.plot("interpolation", surfaces, "--quantity", "loss", "--log", *layout, *names)
    names = labelled(net.label for net in networks.values())
    for kind in LINES:
        surfaces = [workshop.surface(f"{net.name}_{kind}") for net in networks.values()]
        workshop.plot(kind, surfaces, *LAYOUT, *names)
    histograms(workshop, networks)


TOP = 10
"""Highest loss drawn on planes."""

PLANES = ["network", f"mean rise at {planes.RADIUS:g}", "convex points (%)"]


def compare_planes(workshop: Workshop, networks: Iterable[Network]) -> Table:
    """Draw a plane through each network, and return what they show in numbers."""
    surfaces = {net.label: random_plane(workshop, net) for net in networks}
    names = labelled(surfaces)
    look = (*LAYOUT, "--vmax", str(TOP), "--size", "10x5.6")
    workshop.plot("planes", [*surfaces.values()], *look, *names)
    found = {label: planes.numbers(path) for label, path in surfaces.items()}
    return Table(
        PLANES,
        [
            [label, f"{each['mean rise']:.3g}", f"{100 * each['convex']:.0f}"]
            for label, each in found.items()
        ],
    )


COLORS = {SMALL: "#1f77b4", LARGE: "#d62728"}


def histograms(workshop: Workshop, networks: Mapping[Key, Network]) -> None:
    """Draw the distribution of the weights of each pair, on a logarithmic scale."""
    figure, panels = plt.subplots(
        1, len(pairs()), figsize=(10, 2.9), sharey=True, layout="constrained"
    )
    for axes, (name, *keys) in zip(np.atleast_1d(panels), pairs(), strict=True):
        for key in keys:
            values, label = weights(workshop.checkpoint(networks[key])), f"batch {key[2]}"
            look = {"histtype": "step", "color": COLORS[key[2]], "linewidth": 1.3}
            axes.hist(values, bins=np.linspace(-1, 1, 81), density=True, label=label, **look)
        axes.set(title=name, xlabel="weight", yscale="log")
    np.atleast_1d(panels)[0].set_ylabel("density")
    handles = np.atleast_1d(panels)[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
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
    large-batch network, and on filter-normalized and raw random lines through each network; and on
    a filter-normalized plane through each of the first seed.
    """
    workshop = Workshop(folder, load_base("fashion_vgg9.yaml"), parse_changes(assignments), jobs)
    keys = [key for _, *both in pairs() for key in both]
    networks = {seed: {key: network(key, seed, epochs or EPOCHS) for key in keys} for seed in SEEDS}
    workshop.train(net for each in networks.values() for net in each.values())
    if train_only:
        return
    found: dict[Key, list[Measures]] = {key: [] for key in keys}
    for each in networks.values():
        for _, *both in pairs():
            small, large = (each[key] for key in both)
            for key, values in zip(both, measure(workshop, small, large), strict=True):
                found[key].append(values)
    first = networks[SEEDS[0]]
    draw(workshop, first)
    seen = {**tables(found), "planes": compare_planes(workshop, first.values())}
    settings = {
        "epochs": epochs or EPOCHS,
        "seeds": len(SEEDS),
        "small": SMALL,
        "large": LARGE,
        "decay": DECAYS[1],
        "sgd": OPTIMIZERS["SGD"][3],
        "adam": OPTIMIZERS["Adam"][3],
        "samples": workshop.base["problem_args"]["samples"]["train"],
        "radii": list(RADII),
        "reaches": [radius * LINES["raw"][1] for radius in RADII],
        "lines": lines.REPEATS,
        "plane_points": lines.PLANE_POINTS,
        "plane_samples": lines.SAMPLES,
        "top": TOP,
    }
    numbers = {
        "accuracy": min(v["training accuracy (%)"] for each in found.values() for v in each) / 100
    }
    figures = ["interpolation", "weights", *LINES, "planes"]
    workshop.publish(Results(settings, numbers, seen, judge(found), figures))


if __name__ == "__main__":
    sys.exit(run_script(command, "sharp_flat"))
