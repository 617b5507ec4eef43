"""Formats that surfaces can be exported to: one module each, imported when it is used.

``export_files.export`` writes a file. A format's own function takes surfaces, a path and options.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface


@dataclass(frozen=True)
class Format:
    """A format, described without importing the code that writes it.

    Args:
        target: ``module:function`` of its ``Write``.
        ending: file name extension, with the dot.
        help: one line for the command line.
        several: whether several surfaces share one file; otherwise each gets its own.
        takes: names of the fields of ``Options`` that apply to it.
    """

    target: str
    ending: str
    help: str
    several: bool = False
    takes: tuple[str, ...] = ("split", "quantity", "log")


@dataclass(frozen=True)
class Source:
    """A surface and its origin.

    Args:
        surface: the surface.
        file: its file as the user wrote it, for messages.
        name: a short name that distinguishes it from the others, for titles.
    """

    surface: Surface
    file: str
    name: str


@dataclass(frozen=True)
class Options:
    """The user's choices, of which each format takes some; None if left open.

    Args:
        split: the split to export; in an html page, the one shown first.
        quantity: the quantity to export; in an html page, the one shown first.
        log: whether heights are decimal logarithms; None to decide by the values.
        repeat: number of the repeat; None for all repeats, or their mean.
        vmin: lower limit; heights of smaller values are clipped to it.
        vmax: upper limit; heights of larger values are clipped to it; in an html page, at first.
        height: extent from the lowest to the highest point, as a fraction of the longer side.
        size: length of the longer side in millimetres.
        trajectory: file whose path replaces the surfaces' own.
        basins: whether to add the number of the basin that each point belongs to.
    """

    split: str | None = None
    quantity: str | None = None
    log: bool | None = None
    repeat: int | None = None
    vmin: float | None = None
    vmax: float | None = None
    height: float | None = None
    size: float | None = None
    trajectory: str | None = None
    basins: bool | None = None


ARRAYS = ("split", "quantity", "repeat")
RELIEF = (*ARRAYS, "log", "vmin", "vmax", "height")

FORMATS = {
    "html": Format(
        "landscape_cli.exports.formats.html:write",
        ".html",
        "one interactive page of planes side by side, for any browser",
        several=True,
        takes=("split", "quantity", "log", "vmax", "trajectory"),
    ),
    "vtp": Format(
        "landscape_cli.exports.formats.vtp:write",
        ".vtp",
        "VTK polygons: a plane as triangles at the height of its values, or a line as a curve",
        takes=RELIEF,
    ),
    "vts": Format(
        "landscape_cli.exports.formats.vts:write",
        ".vts",
        "VTK structured grid: every point of a line, plane or volume with its values",
        takes=ARRAYS,
    ),
    "stl": Format(
        "landscape_cli.exports.formats.stl:write",
        ".stl",
        "a plane as a solid on a base plate, for 3-D printing",
        takes=(*RELIEF, "size"),
    ),
    "csv": Format(
        "landscape_cli.exports.formats.csv_:write",
        ".csv",
        "a table, one row per point",
        takes=ARRAYS,
    ),
    "npz": Format(
        "landscape_cli.exports.formats.npz:write",
        ".npz",
        "NumPy archive of arrays",
        takes=(*ARRAYS, "basins"),
    ),
    "xarray": Format(
        "landscape_cli.exports.formats.netcdf:write",
        ".nc",
        "NetCDF file, for xarray",
        takes=ARRAYS,
    ),
}
"""Every format."""


def format_of(path: str | os.PathLike[str]) -> str | None:
    """Return the format that a path's extension stands for, or None."""
    extension = Path(path).suffix.lower()
    return next((name for name, entry in FORMATS.items() if entry.ending == extension), None)
