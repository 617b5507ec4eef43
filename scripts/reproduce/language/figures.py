"""Pictures of the planes and the paths of the first seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from steps import Network, Workshop, labelled

from language.runs import KINDS, SEEDS

SHOWN = ("gpt2", "gpt4", "lstm", "gpt2_noshort", "gpt4_noshort", "gpt4_brief")
"""The order of panels: with shortcuts above those without."""


def draw(workshop: Workshop, networks: Mapping[tuple[str, int], Network]) -> None:
    """Draw the planes and the paths, each kind with one scale for all networks."""
    nets = [networks[name, SEEDS[0]] for name in SHOWN]
    names = labelled(KINDS[name].label for name in SHOWN)
    what = ("--split", "train", "--quantity", "loss", *names)
    layout = ("--columns", "3", "--size", "8.4x5.6")

    def surfaces(end: str) -> list[Path]:
        return [workshop.surface(f"{net.name}_{end}") for net in nets]

    workshop.plot("planes", surfaces("plane"), *what, *layout)
    workshop.plot("paths", surfaces("path"), *what, *layout)
