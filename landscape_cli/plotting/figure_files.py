"""Write figures to files, and as bytes to embed into pages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

SHARP_DPI = 192
"""Dots per inch of pixels: two for each pixel of a page, which has 96."""

LARGE = 400_000
"""Bytes of a vector picture beyond which pixels take less room, and are drawn faster."""


@dataclass(frozen=True)
class Embedded:
    """A picture that a page can show.

    Args:
        media: its media type, such as ``image/png``.
        content: its bytes.
        width: its width on the page, in inches.
        height: its height on the page, in inches.
    """

    media: str
    content: bytes
    width: float
    height: float


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


def embedded(figure: Figure, pixels: bool = False) -> Embedded:
    """Return a figure as a vector picture, or as pixels where these suit it better.

    Args:
        figure: the figure.
        pixels: whether it is to be pixels, as surfaces in three dimensions are: the edges of their
            faces would be seen in a vector picture.
    """
    if not pixels:
        vector = _saved(figure, "svg")
        if len(vector.content) <= LARGE:
            return vector
    return _saved(figure, "png")


def _saved(figure: Figure, ending: str) -> Embedded:
    buffer = io.BytesIO()
    with style():
        figure.savefig(
            buffer,
            format=ending,
            dpi=SHARP_DPI,
            metadata=NO_DATE.get(ending),
            bbox_inches="tight",
            pad_inches=MARGIN,
        )
    content = buffer.getvalue()
    width, height = _png_size(content) if ending == "png" else _svg_size(content)
    return Embedded("image/png" if ending == "png" else "image/svg+xml", content, width, height)


def _png_size(content: bytes) -> tuple[float, float]:
    """Return width and height in inches, from the header."""
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    return width / SHARP_DPI, height / SHARP_DPI


def _svg_size(content: bytes) -> tuple[float, float]:
    """Return width and height in inches, from the first element, which has them in points."""
    head = content[: content.index(b"viewBox")].decode()
    width, height = (
        float(head.split(f'{name}="')[1].split("pt")[0]) for name in ("width", "height")
    )
    return width / 72, height / 72
