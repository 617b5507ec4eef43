"""Figures to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from landscape_cli.plotting import FORMATS
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.style import style
from landscape_cli.util.output_files import check_output, replacing

MARGIN = 0.06
"""What is left around a figure, in inches."""

UNDATED: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""What to leave out of files, so that the same picture gives the same bytes."""


def save(figure: Figure, path: Path, dpi: int, size: Size | None = None) -> None:
    """Write a figure to a file of one of ``FORMATS``, whole or not at all.

    Args:
        figure: what to write.
        path: the file.
        dpi: dots per inch.
        size: its exact size; if None, what is drawn with a small margin.

    Raises:
        UsageError: if the path has another ending or can't be written.
    """
    check_output(path, formats=FORMATS)
    ending = path.suffix.lower().lstrip(".")
    with replacing(path) as partial, style():
        figure.savefig(
            partial, format=ending, dpi=dpi, metadata=UNDATED.get(ending), **_crop(figure, size)
        )


def _crop(figure: Figure, size: Size | None) -> dict[str, Any]:
    """How a file is cropped: to what is drawn, but never in a dimension whose size is given."""
    if size is None:
        return {"bbox_inches": "tight", "pad_inches": MARGIN}
    if size.height is not None:
        return {"bbox_inches": None}
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # drawn once more, panels would be somewhere else
    canvas: Any = FigureCanvasAgg(figure)
    drawn = figure.get_tightbbox(canvas.get_renderer())
    return {
        "bbox_inches": Bbox.from_extents(0, drawn.y0 - MARGIN, size.width, drawn.y1 + MARGIN),
        "pad_inches": 0,
    }
