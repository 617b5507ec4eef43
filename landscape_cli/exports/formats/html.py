"""HTML: a self-contained interactive page of surfaces, drawn by plotly.js."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options, Source
from landscape_cli.exports.export_files import check_extra
from landscape_cli.exports.page_data import page_surface
from landscape_cli.records.presentation import PERCENT
from landscape_cli.records.tiles import Quantity

SHARED = ("unpack.js", "numbers.js", "scale.js", "colours.js", "shared.js", "angles.js", "touch.js")
"""Scripts of all pages, in the order in which they run, before a page's own."""

SCRIPTS = (
    *("page.js", "terrain.js", "paths.js", "solid.js", "isolines.js", "flat.js", "cuts.js"),
    *("topology.js", "describe.js", "camera.js", "panel.js", "points.js"),
    *("player.js", "link.js", "picture.js", "controls.js", "start.js"),
)
"""The page's own scripts, in the order in which they run."""

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
"""Content-Security-Policy of the page, which forbids all network access."""


def write(sources: Sequence[Source], path: Path, options: Options) -> None:
    """Write a page that shows planes side by side.

    Args:
        sources: at least one plane.
        path: the file to write.
        options: which values are shown first.

    Raises:
        UsageError: if plotly is missing, a surface is not a plane or has no finite value, or none
            has the requested values.
        StoreError: if a file's checkpoints or path are damaged.
    """
    surfaces = [page_surface(source) for source in sources]
    check_extra("plotly.offline", "html", "html")
    split, quantity = _first(sources, options)
    if options.log:
        _check_positive(sources, (split, quantity))
    if options.vmax is not None:
        _check_limit(sources, (split, quantity), options)
    data = {
        "surfaces": surfaces,
        "split": split,
        "quantity": quantity,
        "log": options.log if options.vmax is None else bool(options.log),
        "clip": options.vmax,
        "units": dict.fromkeys(PERCENT, " %"),
    }
    path.write_text(page(data, ", ".join(source.name for source in sources)), encoding="utf-8")


def page(
    data: dict[str, Any],
    title: str,
    body: str = "page.html",
    scripts: Sequence[str] = SCRIPTS,
) -> str:
    """Return the page's text.

    Args:
        data: the data that its scripts show, as plain values for JSON.
        title: its title.
        body: file of its body.
        scripts: names of its own scripts, in the order in which they run.
    """
    from plotly.offline import get_plotlyjs

    parts = {
        "title": html.escape(title),
        "policy": html.escape(POLICY),
        "style": _part("page.css"),
        "library": _packed(get_plotlyjs()),
        "data": _packed(json.dumps(data, allow_nan=False, separators=(",", ":"))),
        "scripts": "\n".join(f"<script>\n{_part(name)}</script>" for name in (*SHARED, *scripts)),
    }
    template = _part("shell.html").replace("{{body}}", _part(body).rstrip())
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _part(name: str) -> str:
    return (files("landscape_cli.exports") / "page" / name).read_text(encoding="utf-8")


def _packed(text: str) -> str:
    """Compress a text and encode it in base64; the same text always gives the same bytes."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")


def _first(sources: Sequence[Source], options: Options) -> Quantity:
    """Return the split and quantity to show first, preferring the training loss."""
    offered = list(dict.fromkeys(key for source in sources for key in source.surface.values))
    splits = list(dict.fromkeys(split for split, _ in offered))
    quantities = list(dict.fromkeys(name for _, name in offered))
    for option, wanted, available in (
        ("--split", options.split, splits),
        ("--quantity", options.quantity, quantities),
    ):
        if wanted is not None and wanted not in available:
            names = " and ".join(source.file for source in sources)
            verb = "has" if len(sources) == 1 else "have"
            raise UsageError(
                f"{option} {wanted!r}: {names} {verb} {', '.join(available)}; choose one of these"
            )
    matching = [
        key
        for key in offered
        if options.split in (None, key[0]) and options.quantity in (None, key[1])
    ]
    if not matching:
        raise UsageError(
            f"--quantity {options.quantity!r}: split {options.split!r} has none; choose one of "
            f"{', '.join(' '.join(key) for key in offered)}"
        )
    return min(matching, key=lambda key: (key[0] != "train", key[1] != "loss"))


def _check_limit(sources: Sequence[Source], key: Quantity, options: Options) -> None:
    """Refuse a limit that the values do not reach down to, as a picture would."""
    limit, unit = float(options.vmax or 0), 100.0 if key[1] in PERCENT else 1.0
    if not np.isfinite(limit):
        raise UsageError(f"--vmax {limit}: must be a finite number")
    if options.log and limit <= 0:
        raise UsageError(f"--vmax {limit:g} must be positive on a log scale; change it")
    values = [
        unit * source.surface.values[key] for source in sources if key in source.surface.values
    ]
    finite = np.concatenate([array[np.isfinite(array)] for array in values])
    low = float((finite[finite > 0] if options.log else finite).min(initial=np.inf))
    if limit <= low < np.inf:
        raise UsageError(f"--vmax {limit:g}: no value is smaller than {low:g}; raise it")


def _check_positive(sources: Sequence[Source], key: Quantity) -> None:
    values = [source.surface.values[key] for source in sources if key in source.surface.values]
    if not any((np.isfinite(array) & (array > 0)).any() for array in values):
        raise UsageError(f"--log: no {' '.join(key)} is positive; use --linear")
