"""Animations: sequences of figures as GIF, or as MP4 through ffmpeg."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from landscape_cli.errors import UsageError
from landscape_cli.plotting import MOVIES, THREE_DIMENSIONAL
from landscape_cli.plotting.figure import draw_parts
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.part import Part
from landscape_cli.plotting.request import Picture
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.style import style
from landscape_cli.util.output_files import check_kind, check_output, replacing

Pixels = NDArray[np.uint8]

RATE_FACTOR = 18
"""The constant rate factor of x264; lower means better quality and larger files."""


def check_movie(path: Path, inputs: Sequence[str] = ()) -> None:
    """Check that an animation can be written to a path.

    Raises:
        UsageError: if the path is unusable, or an MP4 is requested and ffmpeg is missing.
    """
    check_output(path, inputs, MOVIES)
    check_kind(path, path.suffix.lower().lstrip("."))
    if path.suffix.lower() == ".mp4" and shutil.which("ffmpeg") is None:
        raise UsageError(f"--output {path}: MP4 needs ffmpeg, which is not on the PATH; use .gif")


def check_frames(panels: Sequence[Panel]) -> None:
    """Check that panels can be the frames of one animation.

    Raises:
        UsageError: if there are fewer than two, or their grids differ.
    """
    first = panels[0]
    if len(panels) < 2:
        raise UsageError(f"FILE: {first.source} alone is one frame; give two or more files")
    for panel in panels[1:]:
        if panel.surface.grid != first.surface.grid:
            raise UsageError(
                f"{panel.source} has a different grid than {first.source}; frames need the same "
                "ranges and numbers of points"
            )


def frames(picture: Picture, page: Page) -> Iterator[Pixels]:
    """Draw each surface of a picture as a frame, all on the picture's scale.

    Returns:
        The frames, each of shape (height, width, 3); height and width are even, as videos require.
    """
    groups: dict[str, list[Panel]] = {}
    for panel in picture.panels:
        groups.setdefault(panel.source, []).append(panel)
    for panels in groups.values():
        pixels, size = _frame(panels, picture, page)
        page = replace(page, size=size)
        yield pixels


def turning(picture: Picture, page: Page, count: int) -> Iterator[Pixels]:
    """Draw a picture's surfaces side by side, turned once around in ``count`` frames.

    Returns:
        The frames, shaped as by ``frames``.

    Raises:
        UsageError: if the picture's kind is not three-dimensional.
    """
    if picture.kind not in THREE_DIMENSIONAL:
        raise UsageError(
            f"--turntable {count}: --kind {picture.kind} is flat; "
            f"use --kind {' or '.join(THREE_DIMENSIONAL)}"
        )
    camera = replace(page.camera or Camera(), turning=True)
    for number in range(count):
        turned = replace(camera, azimuth=camera.azimuth + 360 * number / count)
        pixels, size = _frame(picture.panels, picture, replace(page, camera=turned))
        page = replace(page, size=size)
        yield pixels


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
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    with replacing(path) as partial:
        write(partial, iter(images), rate, hold)


def _frame(panels: Sequence[Panel], picture: Picture, page: Page) -> tuple[Pixels, Size]:
    """Draw panels on a picture's scale; return the pixels and the figure's size."""
    figure = draw_parts(Part(panels, picture.kind, picture.scale), page=page)
    with style(page.style, page.cmap, page.font_size):
        return _pixels(figure, page.dpi), Size(*figure.get_size_inches().tolist())


def _pixels(figure: Figure, dpi: int) -> Pixels:
    """Render a figure, without the last row or column if their number is odd."""
    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3]
    height, width = image.shape[:2]
    return image[: height - height % 2, : width - width % 2].copy()


def _write_gif(path: Path, images: Iterator[Pixels], rate: float, hold: float) -> None:
    """Write a GIF; all frames, at 256 colours each, are held in memory."""
    pictures = [_with_palette(Image.fromarray(image)) for image in images]
    durations = [round(1000 / rate)] * len(pictures)
    durations[-1] = max(durations[-1], round(1000 * hold))
    first, *others = pictures
    first.save(path, "gif", save_all=True, append_images=others, duration=durations, loop=0)


def _with_palette(image: Image.Image) -> Image.Image:
    """Reduce an image to 256 colours chosen for coverage, to limit banding in gradients."""
    method = Image.Quantize.MAXCOVERAGE
    return image.quantize(256, method, kmeans=5, dither=Image.Dither.NONE)


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
