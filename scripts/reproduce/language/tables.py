"""Tables of what the networks learned, and of the numbers of their surfaces."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from results import Claim, Mean, Results, Table, most, verdict
from steps import Network, Workshop, landscape, output_of

from landscape_cli.problems.checkpoints import read_state_dict
from landscape_cli.records.surface import Surface
from landscape_cli.store import read_curvature, read_surface
from language.runs import EPOCHS, FIRST, KINDS, LINE_SAMPLES, REPEATS

RADII = (0.25, 0.5, 1.0)

SPLITS = {"train": "training", "test": "held-out"}

LEARNED = ["network", "parameters"]
for _name in SPLITS.values():
    LEARNED += [f"{_name} loss", f"{_name} perplexity", f"{_name} accuracy (%)"]

SEEN = ["network", "training loss", *(f"rise at {radius:g}" for radius in RADII)]
SEEN += ["largest eigenvalue", "smallest eigenvalue", "trace"]

PLANES = ["network", "convex (% of points)", "roughness (% of range)", "path in its plane (%)"]


def report(
    workshop: Workshop, networks: Mapping[tuple[str, int], Network], figures: Sequence[str]
) -> Results:
    """Return losses, perplexities and accuracies, lines and curvature, and planes.

    Args:
        workshop: its folder has the files.
        networks: by kind and seed; planes and paths of the first seed are there.
        figures: the stems of the pictures.
    """
    drawn = [net for (_, seed), net in networks.items() if seed == FIRST]
    tables = {
        "learned": Table(LEARNED, [learned_row(workshop, net) for net in networks.values()]),
        "seen": Table(SEEN, [seen_row(workshop, net) for net in networks.values()]),
        "planes": Table(PLANES, [plane_row(workshop, net) for net in drawn]),
    }
    settings = {
        "epochs": EPOCHS,
        "points": workshop.base["grid"]["x"][2],
        "lines": REPEATS,
        "sequences": LINE_SAMPLES,
    }
    gains = [last_gain(workshop, net) for net in networks.values()]
    found = {**compare(workshop, networks), "last_gain": [min(gains), max(gains)]}
    return Results(settings, found, tables, judge(workshop, networks), figures)


def last_gain(workshop: Workshop, net: Network) -> float:
    """Return by how much the last epoch lowered the held-out loss; NaN after a single one."""
    losses = [each["test_loss"] for each in workshop.logs(net)]
    return losses[-2] - losses[-1] if len(losses) > 1 else float("nan")


EQUAL_LOSS = [("gpt2", "gpt2_noshort"), ("gpt4_brief", "gpt4_noshort")]
"""GPTs with and without shortcuts that end at about the same loss."""


def compare(workshop: Workshop, networks: Mapping[tuple[str, int], Network]) -> dict[str, Any]:
    """Compare networks with and without shortcuts, and find the flattest one.

    Returns:
        ``sharper``: by how many times the largest eigenvalue is larger without shortcuts, for each
        pair of equal loss; ``equal_training``: the rises of the loss at the smallest distance of
        GPTs of the same depth and seed with and without shortcuts; ``flattest``: the label of the
        network that rises least at each distance.
    """

    def eigenvalue(name: str) -> float:
        record = read_curvature(workshop.surface(f"{networks[name, FIRST].name}.curvature"))
        return float(record.eigenvalues[0, 0])

    rise = {
        key: [float(rises(_lines(workshop, net), radius).mean()) for radius in RADII]
        for key, net in networks.items()
    }
    pairs = [pair for pair in EQUAL_LOSS if all((name, FIRST) in networks for name in pair)]
    alike = [
        [rise[name, seed][0], rise[f"{name}_noshort", seed][0]]
        for name, seed in networks
        if (f"{name}_noshort", seed) in networks
    ]
    least = [min(rise, key=lambda key: rise[key][place]) for place in range(len(RADII))]
    return {
        "distance": RADII[0],
        "sharper": [eigenvalue(without) / eigenvalue(name) for name, without in pairs],
        "equal_training": alike,
        "flattest": [KINDS[name].label for name, _ in least],
    }


def _lines(workshop: Workshop, net: Network) -> Surface:
    return read_surface(workshop.surface(f"{net.name}_lines"))


ROUGH = 0.01
"""Roughness, as a fraction of the range, from which a plane counts as broken up."""


def judge(workshop: Workshop, networks: Mapping[tuple[str, int], Network]) -> list[Claim]:
    """Compare what is said of shortcuts with what was seen, as far as the networks are there."""

    def surface(name: str) -> Surface:
        return _lines(workshop, networks[name, FIRST])

    def loss(name: str) -> Mean:
        return Mean(*centre(surface(name), "train", "loss"))

    def rise(name: str) -> Mean:
        return Mean.of(rises(surface(name), RADII[0]).tolist())

    kinds = {name for name, _ in networks}
    claims = []
    if {"gpt2", "gpt2_noshort", "gpt4", "gpt4_noshort"} <= kinds:
        gain = loss("gpt2") - loss("gpt4")
        without = loss("gpt2_noshort") - loss("gpt4_noshort")
        claims.append(
            Claim(
                "Dong et al. 2021, arXiv 2103.03404",
                "Without shortcuts, attention loses with depth what tells positions apart; with "
                "them, depth pays.",
                f"Four blocks in place of two lower the training loss by {gain} with shortcuts, by "
                f"{without} without.",
                verdict(gain - without),
            )
        )
    pairs = [pair for pair in EQUAL_LOSS if kinds >= set(pair)]
    if pairs:
        said = "; ".join(
            f"{rise(a)} ({KINDS[a].label}, loss {loss(a).value:.3g}) and {rise(b)} "
            f"({KINDS[b].label}, loss {loss(b).value:.3g})"
            for a, b in pairs
        )
        claims.append(
            Claim(
                "Li et al. 2018, *Shortcut connections to the rescue*",
                "With shortcuts, minima are flatter: here at equal loss.",
                f"Rise of the training loss at {RADII[0]:g}: {said}.",
                most([verdict(rise(b) - rise(a)) == "agrees" for a, b in pairs]),
            )
        )
    plain = [name for name in sorted(kinds) if KINDS[name].shortcuts is False]
    if plain:
        rough = [roughness(workshop, networks[name, FIRST]) for name in plain]
        said = ", ".join(f"{100 * value:.2g} %" for value in rough)
        claims.append(
            Claim(
                "Li et al. 2018, *The effect of network depth*",
                "Without shortcuts, surfaces of deep networks are broken up.",
                f"Roughness of the planes without shortcuts: {said} of the range; "
                f"{100 * ROUGH:.0f} % would be broken up.",
                most([value >= ROUGH for value in rough]),
            )
        )
    return claims


def roughness(workshop: Workshop, net: Network) -> float:
    """Return the roughness of a network's random plane, as a fraction of its range."""
    return float(described(workshop, net)["roughness"]["relative"])


def described(workshop: Workshop, net: Network) -> dict[str, Any]:
    """Return the numbers of a network's random plane."""
    plane = workshop.surface(f"{net.name}_plane")
    found: dict[str, Any] = json.loads(output_of(landscape("describe", str(plane), "--json")))
    return dict(found["numbers"][0])


def learned_row(workshop: Workshop, net: Network) -> list[str]:
    """Make the row of what a network learned, with standard errors over sequences."""
    surface = _lines(workshop, net)
    state = read_state_dict(str(workshop.checkpoint(net)))
    row = [net.label, str(sum(tensor.numel() for tensor in state.values()))]
    for split in SPLITS:
        loss, error = centre(surface, split, "loss")
        accuracy, deviation = centre(surface, split, "accuracy")
        row += [
            f"{loss:.3f} ± {error:.3f}",
            f"{np.exp(loss):.2f}",
            f"{100 * accuracy:.1f} ± {100 * deviation:.1f}",
        ]
    return row


def seen_row(workshop: Workshop, net: Network) -> list[str]:
    """Make the row of a network's lines and curvature."""
    surface = _lines(workshop, net)
    record = read_curvature(workshop.surface(f"{net.name}.curvature"))
    assert record.trace is not None
    return [
        net.label,
        f"{centre(surface, 'train', 'loss')[0]:.3f}",
        *(mean_and_error(rises(surface, radius)) for radius in RADII),
        f"{record.eigenvalues[0, 0]:.3g}",
        f"{record.eigenvalues[0, -1]:.2g}",
        f"{record.trace.mean[0]:.0f} ± {record.trace.stderr[0]:.0f}",
    ]


def plane_row(workshop: Workshop, net: Network) -> list[str]:
    """Make the row of a network's random plane and of its training path."""
    numbers = described(workshop, net)
    with h5py.File(workshop.surface(f"{net.name}.trajectory")) as file:
        explained = float(np.sum(file["explained_variance_ratio_"][()]))
    return [
        net.label,
        f"{100 * numbers['convexity']['fraction']:.0f}",
        f"{100 * numbers['roughness']['relative']:.2g}",
        f"{100 * explained:.0f}",
    ]


def centre(surface: Surface, split: str, quantity: str) -> tuple[float, float]:
    """Return a value of the trained network and its standard error."""
    place = surface.grid.nearest(surface.origin)
    mean, error = surface.values[split, quantity], surface.stderr[split, quantity]
    return float(np.atleast_2d(mean)[0, place]), float(np.atleast_2d(error)[0, place])


def rises(surface: Surface, radius: float) -> NDArray[np.float64]:
    """Rise of the training loss at a distance on each line, the mean of its two sides."""
    x = surface.grid.axes["x"].coordinates
    values = np.atleast_2d(surface.values["train", "loss"])
    left, middle, right = (
        np.array([np.interp(place, x, line) for line in values]) for place in (-radius, 0, radius)
    )
    return (left + right) / 2 - middle


def mean_and_error(values: NDArray[np.float64]) -> str:
    """Format a mean over lines with its standard error."""
    error = np.std(values, ddof=1) / len(values) ** 0.5
    return f"{values.mean():.3g} ± {error:.1g}"
