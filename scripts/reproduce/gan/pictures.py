"""Colours and files of the pictures of games."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

COLORS = 192
"""Number of colours of a picture's file."""

YELLOW = "#ffd92f"
"""Colour of paths, which neither end of the diverging colours has."""


def shrink(path: Path) -> None:
    """Write a picture with few colours, which its flat areas and lines do not miss."""
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
