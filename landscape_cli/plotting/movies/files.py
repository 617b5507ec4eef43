"""Write frames to animated files: GIF, APNG and WebP by Pillow, MP4 by ffmpeg."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, features

from landscape_cli.errors import UsageError
from landscape_cli.plotting import MOVIES
from landscape_cli.plotting.movies.palette import with_palette
from landscape_cli.util.output_files import check_kind, check_output, replacing

Pixels = NDArray[np.uint8]

RATE_FACTOR = 18
"""The constant rate factor of x264; lower means better quality and larger files."""


def check_movie(path: Path, inputs: Sequence[str] = ()) -> None:
    """Check that an animation can be written to a path.

    Raises:
        UsageError: if the path is unusable, or what writes its format is missing.
    """
    check_output(path, inputs, MOVIES)
    check_kind(path, path.suffix.lower().lstrip("."))
    if path.suffix.lower() == ".mp4" and shutil.which("ffmpeg") is None:
        raise UsageError(f"--output {path}: MP4 needs ffmpeg, which is not on the PATH; use .webp")
    if path.suffix.lower() == ".webp" and not features.check("webp"):
        raise UsageError(f"--output {path}: this Pillow cannot write WebP; use .apng")


def write_movie(path: Path, images: Iterable[Pixels], rate: float, hold: float) -> None:
    """Write frames atomically to a file in one of ``MOVIES``.

    Args:
        path: the file.
        images: at least one frame, all of the same shape (height, width, 3).
        rate: frames per second.
        hold: seconds for which the last frame stays.

    Raises:
        UsageError: if the file cannot be written.
    """
    write = WRITERS[path.suffix.lower().lstrip(".")]
    with replacing(path) as partial:
        write(partial, iter(images), rate, hold)


def _write_gif(path: Path, images: Iterator[Pixels], rate: float, hold: float) -> None:
    """Write a GIF; all frames are held in memory, and share a palette of 256 colours."""
    pictures = with_palette(list(images))
    first, *others = pictures
    times = _durations(len(pictures), rate, hold)
    first.save(path, "gif", save_all=True, append_images=others, duration=times, loop=0)


def _write_apng(path: Path, images: Iterator[Pixels], rate: float, hold: float) -> None:
    """Write an animated PNG in 24-bit colour, of the pixels as they are."""
    first, *others = pictures = [Image.fromarray(image) for image in images]
    times = _durations(len(pictures), rate, hold)
    first.save(path, "png", save_all=True, append_images=others, duration=times, loop=0)


def _write_webp(path: Path, images: Iterator[Pixels], rate: float, hold: float) -> None:
    """Write an animated WebP in 24-bit colour, of the pixels as they are."""
    first, *others = pictures = [Image.fromarray(image) for image in images]
    times = _durations(len(pictures), rate, hold)
    look = {"duration": times, "loop": 0, "lossless": True}
    first.save(path, "webp", save_all=True, append_images=others, **look)


def _durations(count: int, rate: float, hold: float) -> list[int]:
    """Return the milliseconds for which each frame is shown."""
    durations = [round(1000 / rate)] * count
    durations[-1] = max(durations[-1], round(1000 * hold))
    return durations


def _write_mp4(path: Path, images: Iterator[Pixels], rate: float, hold: float) -> None:
    first = next(images)
    height, width = first.shape[:2]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{rate:g}"]
    coding = ["-c:v", "libx264", "-crf", str(RATE_FACTOR), "-pix_fmt", "yuv420p", "-f", "mp4"]
    command = ["ffmpeg", "-loglevel", "error", "-y", *source, "-i", "-", *coding, str(path)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log)
        last = first
        try:
            with process.stdin or open(os.devnull, "wb") as pipe:
                for last in chain([first], images):
                    pipe.write(last.tobytes())
                for _ in range(max(0, round(hold * rate) - 1)):
                    pipe.write(last.tobytes())
        except BrokenPipeError:
            pass  # ffmpeg exited; its log says why
        finally:
            code = process.wait()
        log.seek(0)
        if code != 0:
            reason = log.read().decode(errors="replace").strip() or f"exit code {code}"
            raise OSError(f"ffmpeg: {reason}")


Write = Callable[[Path, Iterator[Pixels], float, float], None]

WRITERS: dict[str, Write] = {
    "gif": _write_gif,
    "apng": _write_apng,
    "webp": _write_webp,
    "mp4": _write_mp4,
}
"""The function that writes each format in ``MOVIES``."""
