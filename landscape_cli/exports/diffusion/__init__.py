"""Formats that diffusion maps can be exported to: one module each, imported when it is used."""

from __future__ import annotations

from landscape_cli.exports import Format

DIFFUSION_FORMATS = {
    "html": Format(
        "landscape_cli.exports.diffusion.html:write",
        ".html",
        "one interactive page of the map, its eigenvalues and the random walk's map",
        takes=(),
    ),
    "csv": Format(
        "landscape_cli.exports.diffusion.csv_:write",
        ".csv",
        "a table of the checkpoints' coordinates, or with --quantity distances a matrix",
        takes=("quantity",),
    ),
    "npz": Format(
        "landscape_cli.exports.diffusion.npz:write",
        ".npz",
        "NumPy archive of distances, coordinates and all else",
        takes=(),
    ),
}
"""Every format."""
