"""Pictures of the planes and the paths of the first seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from steps import Network, Workshop, labelled

from language.runs import KINDS

SHOWN = ("gpt2", "gpt4", "lstm", "gpt2_noshort", "gpt4_noshort", "gpt4_brief")
"""The order of panels: with shortcuts above those without."""

LEVELS = "1.4,1.6,1.8,2,2.25,2.5,3,4,5,6"
"""Boundaries of the loss's bands around the paths, denser where training ends."""


def draw(workshop: Workshop, networks: Mapping[str, Network]) -> None:
    """Draw the planes and the paths, each kind with one scale for all networks."""
    nets = [networks[name] for name in SHOWN]
    names = labelled(KINDS[name].label for name in SHOWN)
    what = ("--split", "train", "--quantity", "loss", "--columns", "3", "--dpi", "110", *names)

    def surfaces(end: str) -> list[Path]:
        return [workshop.surface(f"{net.name}_{end}") for net in nets]

    planes = ("--at-centre", "perplexity", "--size", "8.4x6")
    workshop.plot("planes", surfaces("plane"), *what, *planes)
    workshop.plot("paths", surfaces("path"), *what, "--levels", LEVELS, "--size", "8.4x5.2")
