"""Write figures to files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
"""Margin around a cropped figure in inches."""

NO_DATE: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""Metadata that omits dates, so that the same picture gives the same bytes."""


def save(figure: Figure, path: Path, dpi: int, size: Size | None = None) -> None:
    """Write a figure atomically to a file in one of ``FORMATS``.

    Args:
        figure: the figure to write.
        path: the file.
        dpi: dots per inch.
        size: exact size of the picture; if None, crop to what is drawn plus a small margin.

    Raises:
        UsageError: if the path has another extension or cannot be written.
    """
    check_output(path, formats=FORMATS)
    ending = path.suffix.lower().lstrip(".")
    with replacing(path) as partial, style(), _failing_by_os_error():
        figure.savefig(
            partial, format=ending, dpi=dpi, metadata=NO_DATE.get(ending), **_crop(figure, size)
        )


@contextmanager
def _failing_by_os_error() -> Iterator[None]:
    """Raise the error of a file again that another error has followed, as in matplotlib's PDF."""
    try:
        yield
    except Exception as error:
        earlier: BaseException | None = error
        while earlier is not None and not isinstance(earlier, OSError):
            earlier = earlier.__context__
        if earlier is None:
            raise
        raise earlier from None


def _crop(figure: Figure, size: Size | None) -> dict[str, Any]:
    """Return how ``savefig`` crops: to what is drawn, except where a dimension is given."""
    if size is None:
        return {"bbox_inches": "tight", "pad_inches": MARGIN}
    if size.height is not None:
        return {"bbox_inches": None}
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # drawing again would move the panels
    canvas: Any = FigureCanvasAgg(figure)
    drawn = figure.get_tightbbox(canvas.get_renderer())
    return {
        "bbox_inches": Bbox.from_extents(0, drawn.y0 - MARGIN, size.width, drawn.y1 + MARGIN),
        "pad_inches": 0,
    }
