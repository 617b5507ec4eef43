"""Diffusion maps of trainings, beside those of random walks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from landscape_cli.records.dynamics.diffusion_summary import numbers_lines, progress_lines
from landscape_cli.reports.blocks import Block, Drawing, Figure, Section, paragraph, remark, shown
from landscape_cli.reports.html import tag
from landscape_cli.reports.material import Material, Source

READING = (
    "Checkpoints that are close in parameter space are close in the map, whatever path joins them. "
    "Arcs and horseshoes are what random walks give too, so only what the table says to differ "
    "from them is a property of the training."
)


def blocks(material: Material) -> list[Block]:
    """Return the picture and the numbers of each diffusion file."""
    return shown(READING, material.of("diffusion"), _shown)


def _shown(source: Source) -> Iterator[Block]:
    if not source.record.complete:
        yield remark(f"{source.name}: {progress_lines(source.record)[1]}")
        return
    yield Figure(f"map of {source.name}", partial(draw, source))
    yield paragraph(f"Numbers of the map, from {source.name}:")
    yield tag("pre", "\n".join(numbers_lines(source.record)), tabindex="0")


def draw(source: Source, look: str) -> Drawing:
    """Draw the map that shows most of a diffusion file."""
    from landscape_cli.plotting.diffusion.figure import describe_diffusion, draw_diffusion
    from landscape_cli.plotting.page import Page

    figure = draw_diffusion(source.record, source.name, page=Page(style=look))
    return Drawing([figure], describe_diffusion(source.record, source.name))


SECTION = Section(
    "Diffusion map", blocks, "diffusion map", "landscape diffusion {config} --checkpoints RECORDING"
)
