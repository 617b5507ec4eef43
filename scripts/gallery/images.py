"""Pictures as the gallery keeps them: not wide, and of few colours."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

WIDTH = 1050
"""Pixels; what is wider is made smaller."""

COLORS = 256
"""As many as a byte for each pixel can tell apart."""


def keep(made: Path, kept: Path) -> None:
    """Write a small copy of a picture.

    Args:
        made: the picture as it was drawn; an animation is copied as it is.
        kept: the copy.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    if kept.suffix != ".png":
        shutil.copyfile(made, kept)
        return
    with Image.open(made) as image:
        write(image.convert("RGB"), kept)


def write(image: Image.Image, kept: Path) -> None:
    """Write a picture, made small; the same picture gives the same bytes."""
    if image.width > WIDTH:
        size = (WIDTH, round(image.height * WIDTH / image.width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    # Median cuts alone lose what is bright but small, such as marks; refined, they keep it.
    few = image.quantize(COLORS, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    few.save(kept, optimize=True)
