"""Surfaces in other formats: one file a format, one line here, imported only when it is used.

``files.export`` writes one. A format's function gets surfaces and a path, and writes that file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landscape_cli.records import Surface


@dataclass(frozen=True)
class Format:
    """A format, described without importing what writes it.

    Args:
        target: ``module:function`` of its ``Write``.
        ending: how the files' names end, with the dot.
        help: one line for the command line.
        several: whether several surfaces share one file; else each gets a file of its own.
    """

    target: str
    ending: str
    help: str
    several: bool = False


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
    """What a user chose; a format leaves alone what means nothing to it.

    Args:
        split: whose values; for a format of several, whose are shown first.
        quantity: which values; for a format of several, which are shown first.
        log: whether heights are decimal logarithms; None to decide by the values.
    """

    split: str | None = None
    quantity: str | None = None
    log: bool | None = None


FORMATS = {
    "html": Format(
        "landscape_cli.exporting.html:write",
        ".html",
        "one interactive page of planes side by side, for any browser",
        several=True,
    ),
}
"""Every format."""
