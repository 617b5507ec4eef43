"""The interface of a kind of plot of a diffusion file, and what kinds share."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.diffusion import DIFFUSION_KINDS
from landscape_cli.plotting.diffusion.colors import Coloring
from landscape_cli.records.dynamics.diffusion import Diffusion, Null
from landscape_cli.records.dynamics.null_comparison import ordered_nulls


@dataclass(frozen=True)
class View:
    """One of the panels of a kind.

    Args:
        title: its title beside other panels.
        paint: draws a record on axes, and returns what a colour bar explains, if anything.
        spatial: whether it is drawn in three dimensions.
    """

    title: str
    paint: Callable[[Any, Diffusion, Coloring], Any]
    spatial: bool = False


@dataclass(frozen=True)
class DiffusionPainter:
    """The functions of a kind.

    Args:
        views: returns the panels that show a record.
        lacks: says what the record lacks for this kind, with the option that computes it; empty
            if it lacks nothing.
        describe: returns sentences for a caption.
    """

    views: Callable[[Diffusion], Sequence[View]]
    lacks: Callable[[Diffusion], str]
    describe: Callable[[Diffusion], str]


def choose_painter(record: Diffusion, source: str, kind: str | None) -> DiffusionPainter:
    """Return the painter of a kind, by default of the one that shows most.

    Raises:
        UsageError: if the map is not computed yet, or lacks what the kind shows.
    """
    if not record.complete:
        raise UsageError(f"{source}: its map is not computed yet; run landscape diffusion")
    kind = kind or next(name for name in DIFFUSION_KINDS if not load(name).lacks(record))
    painter = load(kind)
    if missing := painter.lacks(record):
        raise UsageError(f"--kind {kind}: {source} {missing}")
    return painter


def load(kind: str) -> DiffusionPainter:
    """Import the painter of a kind in ``DIFFUSION_KINDS``."""
    module, attribute = DIFFUSION_KINDS[kind].target.split(":")
    painter: DiffusionPainter = getattr(importlib.import_module(module), attribute)
    return painter


def lacks_components(record: Diffusion, count: int) -> str:
    """Say how to compute ``count`` coordinates."""
    if record.components >= count:
        return ""
    has = "1 coordinate" if record.components == 1 else f"{record.components} coordinates"
    return f"has {has}; compute {count} with --components {count}"


def first_null(record: Diffusion) -> Null | None:
    """Return the null whose map is drawn: random directions if there are such, else the first."""
    return next(iter(ordered_nulls(record)), None)


def psi(record: Diffusion, number: int) -> str:
    """Return a coordinate's name in mathtext, such as lambda_1 psi_1."""
    if record.time == 0:
        return rf"$\psi_{{{number}}}$"
    power = "" if record.time == 1 else f"^{{{record.time:g}}}"
    return rf"$\lambda_{{{number}}}{power}\,\psi_{{{number}}}$"
