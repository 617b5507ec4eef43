"""Small copies of pictures for the gallery, narrow and with few colours."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

WIDTH = 1050
"""Upper bound on a picture's width in pixels."""

MANY, NARROW = 20_000, 700
"""A picture with more than ``MANY`` colours, such as a render, keeps them, because its gradients
would show steps otherwise; it is at most ``NARROW`` pixels wide instead."""

COLORS, MOVING_COLORS = 256, 128
"""Upper bounds on the colours of a picture, and of all frames of an animation together."""


def keep(source: Path, target: Path, legible: bool = False) -> None:
    """Write a small copy of a picture or an animation; equal sources give equal bytes.

    Args:
        source: the picture's file.
        target: the copy's file.
        legible: keep the width, and give up colours, of a picture that is mostly text.
    """
    with Image.open(source) as image:
        if target.suffix == ".gif":
            write_animation(image, target)
        else:
            write(image.convert("RGB"), target, legible)


def write(image: Image.Image, target: Path, legible: bool = False) -> None:
    """Write a small version of a picture; ``legible`` is that of ``keep``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    image = narrowed(image, WIDTH)
    colors = image.getcolors(image.width * image.height) or []
    shaded = len(colors) > MANY and not legible
    image = narrowed(image, NARROW) if shaded else fewer(image, COLORS)
    image.save(target, optimize=True)


def narrowed(image: Image.Image, width: int) -> Image.Image:
    """Shrink a picture to at most a width in pixels."""
    if image.width <= width:
        return image
    size = (width, round(image.height * width / image.width))
    return image.resize(size, Image.Resampling.LANCZOS)


def write_animation(image: Image.Image, target: Path) -> None:
    """Write an animation with one palette for all frames, so that still parts are stored once."""
    target.parent.mkdir(parents=True, exist_ok=True)
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
    first.save(target, save_all=True, append_images=more, duration=times, loop=0)


def fewer(image: Image.Image, colors: int) -> Image.Image:
    """Reduce a picture to at most a number of colours."""
    # Median cut alone loses small bright parts such as marks; refinement by k-means keeps them.
    return image.quantize(colors, Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
