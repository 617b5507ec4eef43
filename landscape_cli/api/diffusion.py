"""Diffusion maps from a notebook or script."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_cli.errors import UsageError
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.store.diffusion_file import read_diffusion as read_record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from landscape_cli.plotting.page import Page

COLORS = {"quantity": "quantity", "log": "log", "vmin": "low", "vmax": "high"}
"""Arguments of ``coloring`` by the options of ``plot``."""


def read_diffusion(path: str | os.PathLike[str]) -> Diffusion:
    """Read a diffusion map, which ``plot``, ``describe`` and ``export`` take like a surface.

    Args:
        path: an HDF5 file of ``landscape diffusion``, complete or not.

    Returns:
        The map: ``coordinates`` of shape (n, k), ``eigenvalues`` (k + 1,), the trivial 1 first,
        ``distances2`` (n, n), ``losses``, ``epochs``, ``nulls`` and more.

    Raises:
        LandscapeError: if the file is missing, damaged, or holds no diffusion map.

    Example:
        >>> from pathlib import Path
        >>> import numpy as np
        >>> import landscape_cli as landscape
        >>> from landscape_cli.records.dynamics.diffusion import Diffusion
        >>> from landscape_cli.store.diffusion_file import write_diffusion
        >>> at = np.arange(3.0)
        >>> distances2 = (at[:, None] - at) ** 2
        >>> line = Diffusion(("a", "b", "c"), np.zeros(3, int), ("run",), 1, distances2, at**2)
        >>> write_diffusion(Path("line.diffusion.h5"), line)
        >>> found = landscape.read_diffusion("line.diffusion.h5")
        >>> found.complete, found.distances2[0].tolist()
        (False, [0.0, 1.0, 4.0])
    """
    return read_record(path)


def plot_map(record: Diffusion, kind: str | None, page: Page, choices: Mapping[str, Any]) -> Figure:
    """Draw a diffusion map; see ``plot``.

    Raises:
        UsageError: if the record lacks what the kind shows, or an option does not apply.
    """
    from landscape_cli.plotting.diffusion import DIFFUSION_KINDS
    from landscape_cli.plotting.diffusion.colors import coloring
    from landscape_cli.plotting.diffusion.figure import draw_diffusion

    if kind is not None and kind not in DIFFUSION_KINDS:
        raise UsageError(f"kind: got {kind!r}, expected one of {', '.join(DIFFUSION_KINDS)}")
    for name, value in choices.items():
        if name not in COLORS and value not in (None, "", False):
            raise UsageError(f"plot: {name}: does not apply to diffusion maps; leave it out")
    known = {COLORS[name]: value for name, value in choices.items() if name in COLORS}
    colors = coloring(record, "the map", **known)
    return draw_diffusion(
        record,
        "the map",
        kind,
        colors,
        page,
    )


def describe_map(record: Diffusion) -> dict[str, Any]:
    """Return a map's numbers as plain values, as ``landscape describe --json`` prints them.

    Raises:
        UsageError: if the map is not computed yet.
    """
    from landscape_cli.records.dynamics.diffusion_summary import numbers_facts

    if not record.complete:
        raise UsageError("describe: the map is not computed yet; run landscape diffusion")
    return numbers_facts(record)


def export_map(record: Diffusion, path: Path, to: str | None, options: Mapping[str, Any]) -> Path:
    """Write a map to a file in another format.

    Raises:
        UsageError: if there is no such format, or an option does not apply to it.
    """
    from landscape_cli.exports import Options
    from landscape_cli.exports.diffusion import DIFFUSION_FORMATS
    from landscape_cli.exports.diffusion.files import export_diffusion

    endings = {entry.ending: name for name, entry in DIFFUSION_FORMATS.items()}
    name = to or endings.get(path.suffix.lower())
    if name is None:
        formats = ", ".join(DIFFUSION_FORMATS)
        raise UsageError(f"path: {str(path)!r} has the extension of no format of maps: {formats}")
    export_diffusion(name, record, "the map", path, Options(**options))
    return path
