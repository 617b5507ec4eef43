"""Figures one after another: animations as GIF, or as MP4 by ffmpeg."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.request import Picture
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.style import style
from landscape_cli.util.output_files import check_output, replacing

Pixels = NDArray[np.uint8]

FINE = 18
"""The quality of an MP4: what x264 calls the constant rate factor; lower is better and larger."""


def check_movie(path: Path, inputs: Sequence[str] = ()) -> None:
    """Refuse a path that no animation can be written to.

    Raises:
        UsageError: as for pictures, and for an MP4 without ffmpeg.
    """
    check_output(path, inputs, MOVIES)
    if path.suffix.lower() == ".mp4" and shutil.which("ffmpeg") is None:
        raise UsageError(f"--output {path}: MP4 needs ffmpeg, which is not on the PATH; use .gif")


def check_frames(panels: Sequence[Panel]) -> None:
    """Refuse panels that are not all of one plane or line.

    Raises:
        UsageError: if they are less than two, or one lies on another grid.
    """
    first = panels[0]
    if len(panels) < 2:
        raise UsageError(f"FILE: {first.source} alone is one frame; name two files or more")
    for panel in panels[1:]:
        if panel.surface.grid != first.surface.grid:
            raise UsageError(
                f"{panel.source} has another grid than {first.source}; frames need the same ranges "
                "and points"
            )


@dataclass(frozen=True)
class View:
    """How frames look.

    Args:
        look: a name in ``STYLES``.
        size: a frame's; what suits it if None.
        dpi: dots per inch.
        camera: where surfaces are seen from.
    """

    look: str = "paper"
    size: Size | None = None
    dpi: int = 120
    camera: Camera | None = None


def frames(picture: Picture, view: View) -> Iterator[Pixels]:
    """Draw each surface of a picture alone, all on its scale.

    Returns:
        The frames, each of shape (height, width, 3); these are even numbers, as videos need them.
    """
    groups: dict[str, list[Panel]] = {}
    for panel in picture.panels:
        groups.setdefault(panel.source, []).append(panel)
    for panels in groups.values():
        pixels, size = _frame(panels, picture, view)
        view = replace(view, size=size)
        yield pixels


def turning(picture: Picture, view: View, count: int) -> Iterator[Pixels]:
    """Draw a picture's surfaces side by side, turned once by so many frames.

    Returns:
        The frames, as those of ``frames``.

    Raises:
        UsageError: if the picture's kind is flat.
    """
    if picture.kind not in THREE_DIMENSIONAL:
        raise UsageError(
            f"--turntable {count}: --kind {picture.kind} is flat; "
            f"use --kind {' or '.join(THREE_DIMENSIONAL)}"
        )
    camera = replace(view.camera or Camera(), turning=True)
    for number in range(count):
        here = replace(camera, azimuth=camera.azimuth + 360 * number / count)
        pixels, size = _frame(picture.panels, picture, replace(view, camera=here))
        view = replace(view, size=size)
        yield pixels


def write_movie(path: Path, images: Iterable[Pixels], rate: float, hold: float) -> None:
    """Write frames to a file of one of ``MOVIES``, whole or not at all.

    Args:
        path: the file.
        images: at least one frame, all of one shape (height, width, 3).
        rate: frames per second.
        hold: for how many seconds the last frame stays.

    Raises:
        UsageError: if the file can't be written.
    """
    write = _write_gif if path.suffix.lower() == ".gif" else _write_mp4
    with replacing(path) as partial:
        write(partial, iter(images), rate, hold)


def _frame(panels: Sequence[Panel], picture: Picture, view: View) -> tuple[Pixels, Size]:
    """Some of a picture's panels on its scale, and the size of that."""
    look, dpi = view.look, view.dpi
    figure = draw(
        panels, picture.kind, picture.scale, None, look, view.size, camera=view.camera, dpi=dpi
    )
    with style(look):
        return _pixels(figure, dpi), Size(*figure.get_size_inches().tolist())


def _pixels(figure: Figure, dpi: int) -> Pixels:
    """A figure as an image, without its last row or column if their number is odd."""
    figure.set_dpi(dpi)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image = np.asarray(canvas.buffer_rgba())[..., :3]
    height, width = image.shape[:2]
    return image[: height - height % 2, : width - width % 2].copy()


def _write_gif(path: Path, images: Iterator[Pixels], rate: float, hold: float) -> None:
    """Frames are kept with 256 colours each until all are there."""
    pictures = [_with_palette(Image.fromarray(image)) for image in images]
    durations = [round(1000 / rate)] * len(pictures)
    durations[-1] = max(durations[-1], round(1000 * hold))
    first, *others = pictures
    first.save(path, "gif", save_all=True, append_images=others, duration=durations, loop=0)


def _with_palette(image: Image.Image) -> Image.Image:
    """An image of 256 colours that cover all of its own, so that few gradients break into bands."""
    method = Image.Quantize.MAXCOVERAGE
    return image.quantize(256, method, kmeans=5, dither=Image.Dither.NONE)


def _write_mp4(path: Path, images: Iterator[Pixels], rate: float, hold: float) -> None:
    first = next(images)
    height, width = first.shape[:2]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{rate:g}"]
    coding = ["-c:v", "libx264", "-crf", str(FINE), "-pix_fmt", "yuv420p", "-f", "mp4"]
    command = ["ffmpeg", "-loglevel", "error", "-y", *source, "-i", "-", *coding, str(path)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said)
        last = first
        try:
            with process.stdin or open(os.devnull, "wb") as pipe:
                for last in chain([first], images):
                    pipe.write(last.tobytes())
                for _ in range(max(0, round(hold * rate) - 1)):
                    pipe.write(last.tobytes())
        except BrokenPipeError:
            pass  # ffmpeg has ended, and says why
        finally:
            code = process.wait()
        said.seek(0)
        if code != 0:
            reason = said.read().decode(errors="replace").strip() or f"exit code {code}"
            raise OSError(f"ffmpeg: {reason}")
