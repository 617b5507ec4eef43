"""Pictures of games: planes without marks, in small files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from landscape_cli.records.surface import Surface

COLORS = 192
"""Number of colours of a picture's file."""

YELLOW = "#ffd92f"
"""Colour of paths, which neither end of the diverging colours has."""


def bare(surface: Surface, *facts: str) -> Surface:
    """Return a surface without some of its provenance, so that pictures do not show it."""
    known = {key: value for key, value in surface.provenance.items() if key not in facts}
    return replace(surface, provenance=known)


def shrink(path: Path) -> None:
    """Write a picture with few colours, which its flat areas and lines do not miss."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
