"""Paths of SGD in their PCA planes, with small and large batches, as in section 7 of Li et al."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
import planes
from numpy.typing import NDArray
from results import Claim, Mean, Results, Table, verdict
from sharpness.networks import EPOCHS, LARGE, SEEDS, SMALL
from sharpness.networks import network as trained
from steps import Network, Workshop, labelled, landscape, load_base, options

from landscape_cli.cli.error_report import run_script
from landscape_cli.config.overrides import parse_changes
from landscape_cli.problems.checkpoints import read_state_dict

POINTS, SAMPLES = 17, 500
BATCHES = (SMALL, LARGE)
DECAY = "5e-4"
LEVELS = "0.01,0.02,0.05,0.1,0.2,0.5,1,2"
"""Boundaries of the loss's bands, three per decade."""

DROP = 0.5
"""Fraction of the epochs after which the learning rate first falls."""

RANDOM = 20
"""Pairs of random directions with which the principal components are compared."""

LEAST, MOST = 0.4, 0.9
"""Share of the variation in two principal components that Li et al. report."""

Steps = NDArray[np.float64]


def network(batch: int, seed: int, epochs: int = EPOCHS) -> Network:
    """Return a network of sharp_flat.py."""
    return trained(("SGD", DECAY, batch), seed, epochs)


def trace(workshop: Workshop, net: Network) -> Path:
    """Compute the plane in which a training run moved most, and its path in that plane."""
    output = workshop.folder / f"{net.name}.trajectory.h5"
    if output.exists():
        click.echo(f"have {output}")
        return output
    epochs = workshop.folder / f"{net.name}_epochs"
    checkpoints = ("--checkpoints", str(epochs / "epoch_*.pt"), "--log", str(epochs / "log.csv"))
    config = workshop.folder / f"{net.name}.yaml"
    words = landscape("trajectory", str(config), *checkpoints, "-o", str(output))
    workshop.spend("surfaces", words)
    return output


def plane(workshop: Workshop, net: Network, path: Path) -> Path:
    """Compute the loss on that plane, over the range of the path."""
    changes = {
        **planes.of_path(path, POINTS),
        "checkpoint": str(workshop.checkpoint(net)),
        "samples": SAMPLES,
        "splits": ["train"],
        "batch_norm": "recalibrate",
        "batch_norm_samples": SAMPLES,
    }
    return workshop.compute(f"{net.name}_path", changes)


def walk(workshop: Workshop, net: Network) -> Steps:
    """Read the weights of all epochs, of shape (epochs, weights)."""
    paths = sorted((workshop.folder / f"{net.name}_epochs").glob("epoch_*.pt"))
    rows = []
    for path in paths:
        state = read_state_dict(str(path))
        kept = [w for name, w in state.items() if w.is_floating_point() and "running" not in name]
        rows.append(np.concatenate([w.double().numpy().ravel() for w in kept]))
    return np.array(rows)


def measure(steps: Steps) -> dict[str, float]:
    """Measure a path: its variation in two directions, its length and its turns.

    Args:
        steps: the weights after each epoch, of shape (epochs, weights).

    Returns:
        ``components`` and ``random``, shares of the variation about the last weights in two
        principal and in two random directions; ``walk``, the former of a path whose steps are as
        long, but at right angles, as those of a random walk in many dimensions are (Antognini and
        Sohl-Dickstein 2018); ``length`` of the path by the distance of its ends;
        and ``turn``, the mean angle in degrees between an epoch's step and the next one, until the
        learning rate falls.
    """
    about = steps - steps[-1]
    whole = float(np.square(about).sum())
    values = np.linalg.svd(about, compute_uv=False)
    draw = np.random.default_rng(0).standard_normal
    shares = []
    for _ in range(RANDOM):
        pair, _ = np.linalg.qr(draw((about.shape[1], 2)))
        shares.append(float(np.square(about @ pair).sum()) / whole)
    moves = np.diff(steps, axis=0)
    lengths = np.linalg.norm(moves, axis=1)
    left = np.append(np.square(lengths)[::-1].cumsum()[::-1], 0)  # squared distance to the end
    later = np.arange(len(left))
    walk = np.linalg.eigvalsh(left[np.maximum.outer(later, later)])
    before = moves[: int(DROP * len(moves))]
    inner = np.einsum("ij,ij->i", before[1:], before[:-1])
    norms = lengths[: len(before)]
    cosines = np.clip(inner / (norms[1:] * norms[:-1]), -1, 1)
    return {
        "components": float(np.square(values[:2]).sum()) / whole,
        "random": float(np.mean(shares)),
        "walk": float(walk[-2:].sum() / walk.sum()),
        "length": float(lengths.sum() / np.linalg.norm(steps[-1] - steps[0])),
        "turn": float(np.degrees(np.arccos(cosines)).mean()) if len(cosines) else np.nan,
    }


HEAD = ["batch", "variation in two principal components (%)", "of a random walk (%)"]
HEAD += [
    "in two random directions (%)",
    "length / distance of the ends",
    "mean turn before the first drop (degrees)",
]

Found = Mapping[int, Sequence[Mapping[str, float]]]
"""The measures of all seeds by the size of batches."""


def row(batch: int, found: Sequence[Mapping[str, float]]) -> list[str]:
    def cell(name: str, factor: float = 1) -> str:
        return str(Mean.of(factor * each[name] for each in found))

    shares = [cell(name, 100) for name in ("components", "walk", "random")]
    return [str(batch), *shares, cell("length"), cell("turn")]


def judge(found: Found) -> list[Claim]:
    """Compare what Li et al. say with what was seen."""
    small, large = (
        {name: Mean.of(each[name] for each in found[batch]) for name in found[batch][0]}
        for batch in BATCHES
    )
    every = [each for values in found.values() for each in values]
    components, chance = (
        Mean.of(each[name] for each in every) for name in ("components", "random")
    )
    low, high = (limit(each["components"] for each in every) for limit in (min, max))
    walk = Mean.of(each["walk"] for each in every)
    source = "Li et al. 2018, section 7"
    return [
        Claim(
            source,
            "Random directions show almost nothing of a path.",
            f"Variation in two random directions: {chance.percent()}; in two principal components: "
            f"{components.percent(3)}.",
            verdict(Mean(LEAST, 0) - chance),
        ),
        Claim(
            source,
            "Paths are low-dimensional: "
            f"{100 * LEAST:.0f} to {100 * MOST:.0f} % of the variation lie in two dimensions.",
            f"{100 * low:.0f} to {100 * high:.0f} % in each training; "
            f"random walks of steps as long would have {walk.percent(2)}.",
            "agrees" if low >= LEAST else "disagrees",
        ),
        Claim(
            source,
            "Small batches wander, large ones go straight, until the learning rate falls.",
            f"Mean turn from epoch to epoch: {small['turn'].text(2)} degrees for batches of "
            f"{BATCHES[0]}, {large['turn'].text(2)} for {BATCHES[1]}.",
            verdict(small["turn"] - large["turn"]),
        ),
    ]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@options("sharp_flat")
def command(
    folder: Path, jobs: int, epochs: int | None, assignments: tuple[str, ...], train_only: bool
) -> None:
    """Draw SGD's paths from their initial to their final weights, over the loss.

    The networks are those with weight decay that sharp_flat.py trains, in the same folder.
    """
    workshop = Workshop(folder, load_base("fashion_vgg9.yaml"), parse_changes(assignments), jobs)
    keys = [(batch, seed) for batch in BATCHES for seed in SEEDS]
    networks = {key: network(*key, epochs or EPOCHS) for key in keys}
    workshop.train(networks.values())
    if train_only:
        return
    first = [networks[batch, SEEDS[0]] for batch in BATCHES]
    surfaces = [plane(workshop, net, trace(workshop, net)) for net in first]
    what = ("--split", "train", "--quantity", "loss", "--log", "--levels", LEVELS)
    names = labelled(net.label for net in first)
    workshop.plot("paths", surfaces, *what, "--size", "8.4x3.8", "--dpi", "120", *names)
    found = {
        batch: [measure(walk(workshop, networks[batch, seed])) for seed in SEEDS]
        for batch in BATCHES
    }
    settings = {
        "epochs": epochs or EPOCHS,
        "seeds": len(SEEDS),
        "points": POINTS,
        "samples": SAMPLES,
        "random": RANDOM,
        "small": BATCHES[0],
        "large": BATCHES[1],
    }
    tables = {"paths": Table(HEAD, [row(batch, each) for batch, each in found.items()])}
    results = Results(settings, {}, tables, judge(found), ["paths"])
    workshop.publish(results, "trajectory.json")


if __name__ == "__main__":
    sys.exit(run_script(command, "trajectory"))
