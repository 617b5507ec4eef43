"""Do diffusion maps show more than those of random walks? (Fjellström & Nyström 2022)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from steps import Workshop, landscape, launcher, run, table

from motion.figures import draw_maps
from motion.paths import described
from motion.runs import KINDS, SEEDS, Kind, recording

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
    run([*launcher(workshop.jobs), *landscape("diffusion", *words, "--quiet")])
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


def study(workshop: Workshop, epochs: int | None) -> None:
    """Map each training and all together, beside random walks."""
    maps = each(workshop, epochs)
    lines = [line for kind, path in maps.items() for line in rows(kind.label, described(path))]
    head = ("training", "statistic", "value", *NULLS.values())
    workshop.write("maps.md", table(head, lines))
    draw_maps(workshop.folder / "maps.png", {kind.label: path for kind, path in maps.items()})
    everything = together(workshop, epochs)
    workshop.plot("together", [everything], "--kind", "map", "--quantity", "training")
