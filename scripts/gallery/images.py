"""Pictures as the gallery keeps them: not wide, and of few colours."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

WIDTH = 1050
"""Pixels; what is wider is made smaller."""

MANY, NARROW = 20_000, 700
"""A picture of more colours, such as a render, keeps them all, lest its gradients show steps; it is
made narrower instead."""

COLORS, MOVING_COLORS = 256, 128
"""Of a picture, and of all frames of an animation together."""


def keep(made: Path, kept: Path) -> None:
    """Write a small copy of a picture or an animation; the same one gives the same bytes."""
    with Image.open(made) as image:
        if kept.suffix == ".gif":
            write_animation(image, kept)
        else:
            write(image.convert("RGB"), kept)


def write(image: Image.Image, kept: Path) -> None:
    """Write a picture, made small."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    image = narrowed(image, WIDTH)
    colors = image.getcolors(image.width * image.height) or []
    image = narrowed(image, NARROW) if len(colors) > MANY else fewer(image, COLORS)
    image.save(kept, optimize=True)


def narrowed(image: Image.Image, width: int) -> Image.Image:
    """A picture of at most that width."""
    if image.width <= width:
        return image
    size = (width, round(image.height * width / image.width))
    return image.resize(size, Image.Resampling.LANCZOS)


def write_animation(image: Image.Image, kept: Path) -> None:
    """Write an animation, with the same colours in all frames: what stays is then stored once."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    width, height = image.size
    count = image.n_frames  # type: ignore[attr-defined]
    strip = Image.new("RGB", (width, height * count))
    times = []
    for frame in range(count):
        image.seek(frame)
        strip.paste(image.convert("RGB"), (0, height * frame))
        times.append(image.info["duration"])
    strip = fewer(strip, MOVING_COLORS)
    first, *more = [strip.crop((0, height * k, width, height * (k + 1))) for k in range(count)]
    first.save(kept, save_all=True, append_images=more, duration=times, loop=0)


def fewer(image: Image.Image, colors: int) -> Image.Image:
    """A picture in at most so many colours."""
    # Median cuts alone lose what is bright but small, such as marks; refined, they keep it.
    return image.quantize(colors, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
