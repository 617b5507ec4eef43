"""Reports on a network from its files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from landscape_cli.errors import UsageError, visible
from landscape_cli.records.surface import Surface

ENDING = ".report.html"
"""Ending of a report's name if none is given."""


def report(
    sources: str | os.PathLike[str] | Surface | Sequence[str | os.PathLike[str] | Surface],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
    interactive: bool = False,
) -> Path:
    """Write a page on a network: pictures, numbers with explanations, provenance.

    Args:
        sources: a configuration, whose output and the files beside it are taken; or files; or
            both; or surfaces.
        path: the HTML file to write; for files, the name of the first with ``.report.html`` if
            None.
        title: the page's title; the network's name if None.
        interactive: also write the interactive page of all planes, to which the report links.

    Returns:
        The path written. What was left out, and what is doubtful, is warned of.

    Raises:
        LandscapeError: if a file is missing, or of another network than the first; or the page
            can't be written.

    Example:
        >>> import landscape_cli as landscape
        >>> from landscape_cli.problems.zoo import build
        >>> problem = build("mlp", samples={"train": 100, "test": 50})
        >>> surface = landscape.compute(problem, {"x": (-1, 1, 9)}, progress=False)
        >>> landscape.report(surface, "mlp.report.html", title="A small network").name
        'mlp.report.html'
    """
    from landscape_cli.reports.finding import find_material
    from landscape_cli.reports.writing import write_report

    several = [sources] if isinstance(sources, (str, os.PathLike, Surface)) else list(sources)
    material = find_material(
        [one if isinstance(one, Surface) else os.fspath(one) for one in several]
    )
    if path is None and material.stem is None:
        raise UsageError("path: a report on surfaces in memory has no name of its own; give one")
    target = Path(f"{material.stem}{ENDING}" if path is None else path)
    write_report(material, target, title, interactive=interactive, quiet=True)
    for note in material.notes:
        warnings.warn(visible(note), stacklevel=2)
    return target
