"""The path of the training: lengths, angles and losses of its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from landscape_cli.records.dynamics.path_summary import path_lines
from landscape_cli.records.presentation import share
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.reports.blocks import Block, Drawing, Figure, Section, Table, shown
from landscape_cli.reports.digits import in_three_digits
from landscape_cli.reports.html import lines
from landscape_cli.reports.material import Material, Source

KINDS = ("lengths", "losses", "descent")
"""Kinds of picture, of which those that suit a file are drawn."""

READING = (
    "Lengths and angles are those in the full parameter space. A path much longer than the "
    "distance between its ends winds or jitters; the residual says how far checkpoints lie off the "
    "plane in which a picture shows them, where the loss is another. Principal components make "
    "every long path look smooth and curved, a random walk's too, so its shape in that plane says "
    "little about the training."
)


def blocks(material: Material) -> list[Block]:
    """Return the pictures and numbers of each trajectory file."""
    return shown(READING, material.of("trajectory"), _shown)


def _shown(source: Source) -> Iterator[Block]:
    if paths := [path for path in source.record.paths if len(path.labels)]:
        yield from _figures(source)
        yield _table(source, paths)


def _figures(source: Source) -> Iterator[Figure]:
    from landscape_cli.plotting.paths.painter import load

    for kind in KINDS:
        if not any(load(kind).lacks(path) for path in source.record.paths):
            yield Figure(f"{kind} of {source.name}", partial(draw, source, kind))


def draw(source: Source, kind: str, look: str) -> Drawing:
    """Draw a kind of picture of a trajectory file."""
    from landscape_cli.plotting.page import Page
    from landscape_cli.plotting.paths.figure import describe_paths, draw_paths

    paths = list(source.record.paths)
    names = [source.name] * len(paths)
    return Drawing(
        [draw_paths(paths, names, kind, page=Page(style=look))], describe_paths(paths, names, kind)
    )


def _table(source: Source, paths: list[Trajectory]) -> Table:
    rows = [(path.name or "training", lines(*_lines(path))) for path in paths]
    caption = f"Numbers of the path, from {source.name}."
    if (explained := paths[0].explained) is not None:
        x, y = map(share, explained)
        caption += f" The plane explains {share(sum(explained))} of the variance (x {x}, y {y})."
    return Table(caption, (), rows)


def _lines(path: Trajectory) -> list[str]:
    """Return the numbers of a path without its name and indentation."""
    head = f"{path.name}: " if path.name else ""
    texts = [" ".join(line.removeprefix(head).split()) for line in path_lines(path)]
    return [in_three_digits(text) for text in texts]


SECTION = Section(
    "Training path",
    blocks,
    "path of the training",
    "landscape trajectory {config} --checkpoints 'RUN/*.pt'",
)
