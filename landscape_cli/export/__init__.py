"""Surfaces in other formats: one file a format, one line here, imported only when it is used.

``files.export`` writes one. A format's function gets surfaces and a path, and writes that file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface


@dataclass(frozen=True)
class Format:
    """A format, described without importing what writes it.

    Args:
        target: ``module:function`` of its ``Write``.
        ending: how the files' names end, with the dot.
        help: one line for the command line.
        several: whether several surfaces share one file; else each gets a file of its own.
        takes: the options, by their names in ``Options``, that mean something to it.
    """

    target: str
    ending: str
    help: str
    several: bool = False
    takes: tuple[str, ...] = ("split", "quantity", "log")


@dataclass(frozen=True)
class Source:
    """A surface and where it comes from.

    Args:
        surface: the surface.
        file: its file as the user wrote it, for messages.
        name: what tells it from the others, for titles.
    """

    surface: Surface
    file: str
    name: str


@dataclass(frozen=True)
class Options:
    """What a user chose, of what a format takes.

    Args:
        split: whose values; for a format of several, whose are shown first.
        quantity: which values; for a format of several, which are shown first.
        log: whether heights are decimal logarithms; None to decide by the values.
        repeat: which of several repeats; None for all of them, or their mean.
        vmin: the value below which all heights are those of this one.
        vmax: the value above which all heights are those of this one.
        height: from the lowest to the highest point, as a part of the longer side.
        size: the length of the longer side in millimetres.
        trajectory: the file whose path the surfaces have been given, in place of their own.
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


ARRAYS = ("split", "quantity", "repeat")
RELIEF = (*ARRAYS, "log", "vmin", "vmax", "height")

FORMATS = {
    "html": Format(
        "landscape_cli.export.formats.html:write",
        ".html",
        "one interactive page of planes side by side, for any browser",
        several=True,
        takes=("split", "quantity", "log", "trajectory"),
    ),
    "vtp": Format(
        "landscape_cli.export.formats.vtp:write",
        ".vtp",
        "VTK's polygons: a plane as triangles at the height of its values, or a line",
        takes=RELIEF,
    ),
    "vts": Format(
        "landscape_cli.export.formats.vts:write",
        ".vts",
        "VTK's structured grid: every point of a line, plane or volume with its values",
        takes=ARRAYS,
    ),
    "stl": Format(
        "landscape_cli.export.formats.stl:write",
        ".stl",
        "a plane as a solid on a base plate, for 3-D printing",
        takes=(*RELIEF, "size"),
    ),
    "csv": Format(
        "landscape_cli.export.formats.csv_:write", ".csv", "a table, one row a point", takes=ARRAYS
    ),
    "npz": Format(
        "landscape_cli.export.formats.npz:write", ".npz", "NumPy's archive of arrays", takes=ARRAYS
    ),
    "xarray": Format(
        "landscape_cli.export.formats.netcdf:write",
        ".nc",
        "NetCDF, as xarray reads it",
        takes=ARRAYS,
    ),
}
"""Every format."""
