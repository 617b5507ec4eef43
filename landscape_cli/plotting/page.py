"""The page of a figure: size, style, columns, title, caption and viewpoint."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.request import Picture
from landscape_cli.plotting.scene3d.camera import Camera


@dataclass(frozen=True)
class Page:
    """The layout and look of a figure.

    Args:
        columns: maximum number of panels in a row; None for as many as fit the width.
        style: a name in ``STYLES``.
        size: None for one that suits the panels.
        dpi: dots per inch of rendered images.
        caption: write a caption below the panels.
        camera: the viewpoint of three-dimensional plots.
        title: a title above all panels.
        cmap: a colour map of matplotlib; None for viridis.
    """

    columns: int | None = None
    style: str = "paper"
    size: Size | None = None
    dpi: int = 200
    caption: bool = False
    camera: Camera | None = None
    title: str = ""
    cmap: str | None = None


def draw_picture(picture: Picture, page: Page) -> Figure:
    """Draw a picture on a page.

    Raises:
        UsageError: if the panels can't share a figure, or an option does not apply to the kind.
    """
    return draw(
        picture.panels,
        picture.kind,
        picture.scale,
        page.columns,
        page.style,
        page.size,
        picture.twin,
        picture.caption if page.caption else "",
        page.camera,
        page.dpi,
        page.title,
        page.cmap,
        picture.beside,
    )
