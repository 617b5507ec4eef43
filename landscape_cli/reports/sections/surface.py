"""Planes: filled contours and a surface in three dimensions of the loss on each split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from landscape_cli.records.presentation import PERCENT, share
from landscape_cli.reports.blocks import (
    Block,
    Drawing,
    Figure,
    Section,
    heading,
    incomplete,
    paragraph,
    remark,
)
from landscape_cli.reports.material import Material, Source, at_centre, main_quantity, splits_of

MOST_SPLITS = 4
"""Largest number of splits that are drawn side by side."""

READING = (
    "Each point is a network with other weights; the trained one is marked. The picture is a "
    "slice: of as many directions as the network has parameters it shows two, so what looks like a "
    "round bowl may be a ravine in others, and distances between features mean what the "
    "normalization of the directions makes of them. Contours and colours of two networks can be "
    "compared only for the same directions, normalization, grid and scale."
)


def blocks(material: Material) -> list[Block]:
    """Return the pictures of each plane, and what volumes are not drawn."""
    found: list[Block] = []
    planes = material.surfaces(2)
    for source in planes:
        if len(planes) > 1:
            found.append(heading(source.name))
        found += _progress(source)
        if (quantity := main_quantity(source.record)) is None:
            found.append(paragraph(f"{source.name} has no loss."))
            continue
        found += [
            Figure("contours", partial(draw_plane, source, quantity, "contourf")),
            Figure(
                "surface in 3-D", partial(draw_plane, source, quantity, "surface"), spatial=True
            ),
        ]
    for source in material.surfaces(3):
        found.append(remark(f"{source.name} is a volume, which can't be drawn."))
    return [paragraph(READING), *found] if planes else found


def _progress(source: Source) -> list[Block]:
    """Say how much of a surface is computed, if not all."""
    surface = source.record
    if surface.complete:
        return []
    part = f"{surface.done:,} of {surface.total:,} points"
    text = "so the pictures and numbers are those of the finest level of its grid that is complete"
    if surface.level is None:
        text = "and no level of its grid is complete; missing areas are marked"
    return [incomplete(source, f"{part} are computed ({_share(source)}), {text}")]


def _share(source: Source) -> str:
    return share(source.record.done / source.record.total) if source.record.done else "0 %"


def draw_plane(source: Source, quantity: str, kind: str, look: str) -> Drawing:
    """Draw the values of a quantity on every split of a plane, on one scale."""
    from landscape_cli.plotting.figure import draw_picture
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.request import Request

    surface, page = source.record, Page(columns=2, style=look)
    splits = [one for one in splits_of(surface) if (one, quantity) in surface.values]
    if surface.grid.repeats > 1:
        request = Request(kind, split=splits[0], quantity=quantity)
        picture = request.picture(request.panels([surface], [source.name]))
        return Drawing([draw_picture(picture, page)], picture.caption)
    panels = []
    for split in splits[:MOST_SPLITS]:
        one = Request(
            kind, split=split, quantity=quantity, labels=[_label(source, split, quantity)]
        )
        panels += one.panels([surface], [source.name])
    picture = Request(kind, quantity=quantity).picture(panels)
    pictures = [draw_picture(replace(picture, panels=[one]), page) for one in picture.panels]
    names = [f"{split} {quantity}" for split in splits[:MOST_SPLITS]] if len(panels) > 1 else []
    return Drawing(pictures, f"{_which(splits[:MOST_SPLITS])}{picture.caption}", names)


def _label(source: Source, split: str, quantity: str) -> str:
    """Return a panel's title, with the value at the trained network if it was computed."""
    title = f"{split} {quantity}"
    if (centre := at_centre(source.record, split, quantity)) is None:
        return title
    value = f"{100 * centre[0]:.4g} %" if quantity in PERCENT else f"{centre[0]:.4g}"
    return f"{title} ({value} at the centre)"


def _which(splits: Sequence[str]) -> str:
    """Say which picture shows which split, if there are several."""
    if len(splits) < 2:
        return ""
    return f"In order: {', '.join(splits)}, on one scale. "


SECTION = Section("Surface", blocks, "surface", "landscape compute {config}")
