"""One interactive page of surfaces, drawn by plotly.js, that needs nothing but itself."""

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
from landscape_cli.export import Options, Source
from landscape_cli.export.export_files import check_extra
from landscape_cli.export.page_data import page_surface
from landscape_cli.records.presentation import PERCENT
from landscape_cli.records.tiles import Quantity

SCRIPTS = ("unpack.js", "scale.js", "traces.js", "panel.js", "page.js")
"""The page's own scripts, in the order in which they are run."""

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
"""What the page may do (Content-Security-Policy): nothing that takes a network."""


def write(sources: Sequence[Source], path: Path, options: Options) -> None:
    """Write a page that shows planes side by side.

    Args:
        sources: at least one plane.
        path: the file to write.
        options: which values are shown first.

    Raises:
        UsageError: if plotly is missing, a surface is no plane or has no finite value, or none has
            the values asked for.
        StoreError: if what a file says of checkpoints is damaged.
    """
    surfaces = [page_surface(source) for source in sources]
    check_extra("plotly.offline", "html", "html")
    split, quantity = _first(sources, options)
    if options.log:
        _check_positive(sources, (split, quantity))
    data = {
        "surfaces": surfaces,
        "split": split,
        "quantity": quantity,
        "log": options.log,
        "units": dict.fromkeys(PERCENT, " %"),
    }
    path.write_text(page(data, ", ".join(source.name for source in sources)), encoding="utf-8")


def page(data: dict[str, Any], title: str) -> str:
    """The page's text.

    Args:
        data: what its scripts show, as JSON can hold it.
        title: its title.
    """
    from plotly.offline import get_plotlyjs

    scripts = "\n".join(f"<script>\n{_part(name)}</script>" for name in SCRIPTS)
    parts = {
        "title": html.escape(title),
        "policy": html.escape(POLICY),
        "style": _part("page.css"),
        "library": _packed(get_plotlyjs()),
        "data": _packed(json.dumps(data, allow_nan=False, separators=(",", ":"))),
        "scripts": scripts,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part("page.html"))


def _part(name: str) -> str:
    return (files("landscape_cli.export") / "page" / name).read_text(encoding="utf-8")


def _packed(text: str) -> str:
    """A text, compressed, as base64; the same bytes for the same text."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode("ascii")


def _first(sources: Sequence[Source], options: Options) -> Quantity:
    """The split and quantity that are shown first, the training loss if there is such."""
    offered = list(dict.fromkeys(key for source in sources for key in source.surface.values))
    splits = list(dict.fromkeys(split for split, _ in offered))
    quantities = list(dict.fromkeys(name for _, name in offered))
    for option, wanted, there in (
        ("--split", options.split, splits),
        ("--quantity", options.quantity, quantities),
    ):
        if wanted is not None and wanted not in there:
            names = " and ".join(source.file for source in sources)
            raise UsageError(
                f"{option} {wanted!r}: {names} has {', '.join(there)}; choose one of these"
            )
    fitting = [
        key
        for key in offered
        if options.split in (None, key[0]) and options.quantity in (None, key[1])
    ]
    if not fitting:
        raise UsageError(
            f"--quantity {options.quantity!r}: there is none of split {options.split!r}; choose "
            f"one of {', '.join(' '.join(key) for key in offered)}"
        )
    return min(fitting, key=lambda key: (key[0] != "train", key[1] != "loss"))


def _check_positive(sources: Sequence[Source], key: Quantity) -> None:
    values = [one.surface.values[key] for one in sources if key in one.surface.values]
    if not any((np.isfinite(array) & (array > 0)).any() for array in values):
        raise UsageError(f"--log: no {' '.join(key)} is positive; use --linear")
