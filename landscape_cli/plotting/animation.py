"""Animations: sequences of figures on one scale, as frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from landscape_cli.errors import UsageError
from landscape_cli.plotting import THREE_DIMENSIONAL
from landscape_cli.plotting.figure import draw_parts
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.part import Part
from landscape_cli.plotting.request import Picture
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.plotting.style import style
from landscape_cli.plotting.text import labels

Pixels = NDArray[np.uint8]


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
    for panels in _told_apart(list(groups.values())):
        pixels, size = _frame(panels, picture, page)
        page = replace(page, size=size)
        yield pixels


def _told_apart(groups: Sequence[Sequence[Panel]]) -> list[list[Panel]]:
    """Return the panels of each frame, with the file's name in titles that are not unique."""
    titles = [labels.title(panels[0]) for panels in groups]
    if len(set(titles)) == len(titles):
        return [list(panels) for panels in groups]
    return [
        [replace(panel, label=labels.title_with_file(panel)) for panel in panels]
        for panels in groups
    ]


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
