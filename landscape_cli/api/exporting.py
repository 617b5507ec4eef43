"""Surfaces in other formats."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from landscape_cli.api.arguments import listed_surfaces, refuse_unknown, titles_of
from landscape_cli.api.diffusion import export_map
from landscape_cli.errors import UsageError, visible
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.records.surface import Surface


def export(
    surfaces: Surface | Sequence[Surface] | Diffusion,
    path: str | os.PathLike[str],
    to: str | None = None,
    *,
    names: Sequence[str] | None = None,
    **options: Any,
) -> Path:
    """Write surfaces to a file in another format, as ``landscape export`` does.

    Args:
        surfaces: one, or several for an interactive page; or a diffusion map.
        path: the file to write; an existing one is replaced once the new one is complete.
        to: ``html``, ``vtp``, ``vts``, ``stl``, ``csv``, ``npz`` or ``xarray``; that of the path's
            extension if None.
        names: a name for each surface, for titles.
        options: of the format: ``split``, ``quantity``, ``log``, ``repeat``, ``vmin``, ``vmax``,
            ``height`` (a part of the longer side), ``size`` (in mm) and ``basins`` (to add them).

    Returns:
        The path written. What the file does not show is warned of.

    Raises:
        LandscapeError: if the surfaces do not suit the format, an option does not apply to it, or
            the file can't be written.

    Example:
        >>> import landscape_cli as landscape
        >>> from landscape_cli.problems.zoo import build
        >>> problem = build("mlp", samples={"train": 100, "test": 50})
        >>> grid = {"x": (-1, 1, 5), "y": (-1, 1, 3)}
        >>> surface = landscape.compute(problem, grid, progress=False)
        >>> path = landscape.export(surface, "mlp.csv", split="test", quantity="loss")
        >>> path.read_text().splitlines()[0]
        'x,y,test_loss,test_loss_stderr,status'
    """
    from landscape_cli.exports import FORMATS, Options, Source, format_of
    from landscape_cli.exports.export_files import export as export_sources

    path = Path(path)
    if isinstance(surfaces, Diffusion):
        refuse_unknown("export", options, Options)
        return export_map(surfaces, path, to, options)
    name = format_of(path) if to is None else to
    if name not in FORMATS:
        what = f"to: {to!r}" if to else f"path: {str(path)!r} has the extension of no format"
        raise UsageError(f"{what}; the formats are {', '.join(FORMATS)}")
    refuse_unknown("export", options, Options)
    listed = listed_surfaces(surfaces)
    if len(listed) != 1 and not (listed and FORMATS[name].several):
        raise UsageError(f"export: {name} takes a single surface, got {len(listed)}")
    titles = titles_of(listed) if names is None else list(names)
    if len(titles) != len(listed):
        raise UsageError(f"names: got {len(titles)} of them for {len(listed)} surfaces")
    sources = [Source(surface, title, title) for surface, title in zip(listed, titles, strict=True)]
    for note in export_sources(name, sources, path, Options(**options)):
        warnings.warn(visible(note), stacklevel=2)
    return path
