"""Do diffusion maps show more than those of random walks? (Fjellström & Nyström 2022)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results import Claim, Results, Table, most
from steps import Workshop, landscape, launcher

from motion.figures import draw_maps
from motion.paths import described
from motion.runs import KINDS, MOMENTUM, SEEDS, Kind, recording

STATISTICS = {
    "dimension": "dimension",
    "time_correlation": "abs. corr. of ψ₁ and step",
    "square_correlation": "abs. corr. of ψ₂ and ψ₁²",
    "explained": "variance in 2 PCs",
    "turning": "cosine of turns",
    "straightness": "distance / path length",
}
"""Statistics in the table, by their names in ``landscape describe --json``."""

NULLS = {"walk": "random walks", "permuted": "permuted steps"}

DRAWS = "10"

APART = 4
"""Every fourth checkpoint is in the map of all trainings."""


def mapped(workshop: Workshop, name: str, config: str, trainings: Sequence[str]) -> Path:
    """Compute a map; its distances are computed once."""
    output = workshop.folder / f"{name}.diffusion.h5"
    words = (str(workshop.folder / config), *trainings, "--draws", DRAWS, "-o", str(output))
    command = [*launcher(workshop.jobs), *landscape("diffusion", *words, "--quiet")]
    workshop.spend("maps", command, output)
    return output


def each(workshop: Workshop, epochs: int | None) -> dict[Kind, Path]:
    """Map the first seed of each kind by itself."""
    found = {}
    for kind in KINDS:
        network = kind.network(SEEDS[0], epochs)
        words = ("--checkpoints", str(recording(workshop, network)))
        found[kind] = mapped(workshop, network.name, f"{network.name}.yaml", words)
    return found


def together(workshop: Workshop, epochs: int | None) -> Path:
    """Map the first seed of all kinds, which begin with the same weights."""
    words = []
    for kind in KINDS:
        steps = recording(workshop, kind.network(SEEDS[0], epochs))
        words += ["--training", f"{kind.label}={steps}::::{kind.every * APART}"]
    first = KINDS[0].network(SEEDS[0], epochs)
    return mapped(workshop, "together", f"{first.name}.yaml", words)


def rows(label: str, numbers: Mapping[str, Any]) -> Iterable[list[str]]:
    """Yield a row for each statistic: the training's, and the range of each kind of walks."""
    found = {(one["statistic"], one["null"]): one for one in numbers["comparisons"]}
    for statistic, words in STATISTICS.items():
        ranges = [found.get((statistic, null)) for null in NULLS]
        value = f"{numbers['statistics'][statistic]:.3g}"
        yield [label, words, value, *map(_range, ranges)]


def _range(one: Mapping[str, Any] | None) -> str:
    if one is None or one["low"] is None or one["high"] is None:
        return "none"
    text = f"{one['low']:.3g} to {one['high']:.3g}"
    return text if one["verdict"] == "within" else f"**{text}**"


ALONG = "time_correlation"
"""The statistic that says whether a map is ordered by time."""

STRONG = 0.7
"""Correlation from which it is."""


def judge(found: Mapping[str, Mapping[str, Any]]) -> list[Claim]:
    """Compare what is said of diffusion maps with what was seen.

    Args:
        found: by training, the numbers of its map.
    """
    values = {label: float(each["statistics"][ALONG]) for label, each in found.items()}
    beyond = [
        one["verdict"] == "above"
        for each in found.values()
        for one in each["comparisons"]
        if one["statistic"] == ALONG and one["null"] == "walk"
    ]
    said = ", ".join(f"{value:.2f} ({label})" for label, value in values.items())
    return [
        Claim(
            "Fjellström and Nyström 2022, arXiv 2204.01365",
            "The diffusion map of a training is a curve that is ordered by time.",
            f"Correlation of the first coordinate with the step, by size: {said}.",
            most([value >= STRONG for value in values.values()]),
        ),
        Claim(
            "an inference from such pictures",
            "So the map shows a structure of the training.",
            f"The correlation is above that of random walks with the same step lengths for "
            f"{sum(beyond)} of {len(beyond)} trainings.",
            most(beyond) if beyond else "undecided",
        ),
    ]


def compared(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return by how much trainings differ from random walks.

    Args:
        found: by training, the numbers of its map.
    """
    farther, parts, walks, sides = [], [], [], []
    for each in found.values():
        walk = {
            one["statistic"]: one
            for one in each["comparisons"]
            if one["null"] == "walk" and one["low"] is not None
        }
        farther += [
            each["statistics"]["straightness"] / walk["straightness"][end]
            for end in ("low", "high")
        ]
        parts.append(each["statistics"]["explained"])
        walks += [walk["explained"][end] for end in ("low", "high")]
        sides.append(walk["square_correlation"]["verdict"])
    return {
        "farther": [min(farther), max(farther)],
        "explained": [min(parts), max(parts)],
        "walks_explained": [min(walks), max(walks)],
        "parabola": {side: sides.count(side) for side in ("above", "within", "below")},
    }


def turns(momentum: float, steps: int) -> float:
    """Return the cosine from so many steps to the next as many, of independent gradients.

    With momentum a step is the sum of all gradients so far, weighted by the momentum's powers; so
    two steps that are d apart have the correlation momentum to the power of d, in space of many
    dimensions the cosine of their angle.
    """
    apart = np.arange(1, steps)
    inner = momentum * ((1 - momentum**steps) / (1 - momentum)) ** 2
    return float(inner / (steps + 2 * ((steps - apart) * momentum**apart).sum()))


def study(workshop: Workshop, epochs: int | None) -> Results:
    """Map each training and all together, beside random walks."""
    maps = each(workshop, epochs)
    numbers = {kind.label: described(path) for kind, path in maps.items()}
    lines = [line for label, each in numbers.items() for line in rows(label, each)]
    head = ("training", "statistic", "value", *NULLS.values())
    draw_maps(workshop.folder / "maps.png", {kind.label: path for kind, path in maps.items()})
    everything = together(workshop, epochs)
    look = ("--kind", "map", "--quantity", "training", "--dpi", "120")
    workshop.plot("together", [everything], *look)
    settings = {"draws": int(DRAWS), "together_apart": APART, "momentum": MOMENTUM}
    settings["batches"] = sorted({kind.batch for kind in KINDS})
    every = [kind.every for kind in KINDS if kind.optimizer == "sgd"]
    means = {**compared(numbers), "turns": {str(n): turns(MOMENTUM, n) for n in sorted(every)}}
    tables = {"maps": Table(head, lines)}
    return Results(settings, means, tables, judge(numbers), ["maps", "together"])
