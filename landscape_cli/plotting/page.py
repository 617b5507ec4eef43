"""The page of a figure: size, style, columns, title, caption and viewpoint."""

from __future__ import annotations

from dataclasses import dataclass

from landscape_cli.plotting.figure_size import Size
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
        labels: a name for each file, in place of the network's; empty for none.
        titled: write titles above panels.
        colorbar: draw colour bars.
        font_size: size of text in points; None for the style's.
    """

    columns: int | None = None
    style: str = "paper"
    size: Size | None = None
    dpi: int = 200
    caption: bool = False
    camera: Camera | None = None
    title: str = ""
    cmap: str | None = None
    labels: tuple[str, ...] = ()
    titled: bool = True
    colorbar: bool = True
    font_size: float | None = None

    @property
    def fixed(self) -> bool:
        """True if the height is given."""
        return self.size is not None and self.size.height is not None
