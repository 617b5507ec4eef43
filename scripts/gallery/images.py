"""Pictures as the gallery keeps them: not wide, and of few colours."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

WIDTH = 1050
"""Pixels; what is wider is made smaller."""

MANY = 10_000
"""A picture of more colours, such as a render, keeps them all, lest its gradients show steps."""

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
    if image.width > WIDTH:
        size = (WIDTH, round(image.height * WIDTH / image.width))
        image = image.resize(size, Image.Resampling.LANCZOS)
    colors = image.getcolors(image.width * image.height) or []
    (image if len(colors) > MANY else fewer(image, COLORS)).save(kept, optimize=True)


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
