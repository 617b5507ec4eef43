"""Figures to files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from landscape_cli.errors import UsageError
from landscape_cli.plotting import FORMATS
from landscape_cli.plotting.sizes import Size
from landscape_cli.plotting.style import style

MARGIN = 0.06
"""What is left around a figure, in inches."""

UNDATED: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""What to leave out of files, so that the same picture gives the same bytes."""


def check_output(path: Path, inputs: Iterable[str] = (), formats: Sequence[str] = FORMATS) -> None:
    """Refuse a path that no picture can be written to.

    Args:
        path: the file.
        inputs: files that must not be replaced.
        formats: the endings that the path may have.

    Raises:
        UsageError: for an unknown ending, a folder, one that does not exist, or an input.
    """
    if path.suffix.lower().lstrip(".") not in formats:
        endings = ", ".join(f".{name}" for name in formats)
        raise UsageError(f"--output {path}: the name must end in one of {endings}")
    if path.is_dir():
        raise UsageError(f"--output {path}: is a folder; name a file in it")
    if any(path.resolve() == Path(name).resolve() for name in inputs):
        raise UsageError(f"--output {path}: would replace the surface file; choose another name")
    if not path.parent.is_dir():
        raise UsageError(f"--output {path}: the folder {path.parent} does not exist; create it")


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
    check_output(path)
    ending = path.suffix.lower().lstrip(".")
    partial = path.with_name(f".{path.stem[:40]}.{os.getpid()}.tmp")
    try:
        with style():
            figure.savefig(
                partial, format=ending, dpi=dpi, metadata=UNDATED.get(ending), **_crop(figure, size)
            )
        os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--output {path}: can't be written ({reason}); choose another") from None
    finally:
        partial.unlink(missing_ok=True)


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
