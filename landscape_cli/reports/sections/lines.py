"""Lines: the loss along each, with the accuracy on a second axis."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from landscape_cli.reports.blocks import (
    Block,
    Drawing,
    Figure,
    Section,
    incomplete,
    paragraph,
    shown,
)
from landscape_cli.reports.material import Material, Source, main_quantity

TWIN = "accuracy"
"""The quantity on the second axis."""

READING = (
    "A line is a slice along one direction, with more points and less to compute than a plane. Its "
    "minimum may lie beside the trained network, and along another direction it may look otherwise."
)


def blocks(material: Material) -> list[Block]:
    """Return the picture of each line."""
    return shown(READING, material.surfaces(1), _shown)


def _shown(source: Source) -> Iterator[Block]:
    surface = source.record
    if not surface.complete:
        yield incomplete(source, f"{surface.done:,} of {surface.total:,} points are computed")
    if main_quantity(surface) is None:
        yield paragraph(f"{source.name} has no loss.")
        return
    yield Figure(f"line {source.name}", partial(draw_line, source))


def draw_line(source: Source, look: str) -> Drawing:
    """Draw a line with all its splits."""
    from landscape_cli.plotting.figure import draw_picture
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.request import Request

    surface = source.record
    has_twin = any(name == TWIN for _, name in surface.values)
    quantity = main_quantity(surface)
    request = Request("line", quantity=quantity, twin=TWIN if has_twin else None)
    panels = request.panels([surface], [source.name])
    picture = request.picture(panels, request.twins([surface], [source.name]))
    return Drawing([draw_picture(picture, Page(style=look))], picture.caption)


SECTION = Section("Lines", blocks, "line", "landscape compute {config} --y none -o {stem}_line.h5")
