"""The interface of a kind of plot of an ensemble file."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.plotting.ensembles import ENSEMBLE_KINDS
from landscape_cli.records.ensemble import Ensemble


@dataclass(frozen=True)
class EnsemblePainter:
    """The functions of a kind.

    Args:
        paint: draws a split of a record on axes.
        along: whether it draws networks along a curve.
        describe: returns sentences on a split for a caption.
    """

    paint: Callable[[Any, Ensemble, str], None]
    along: bool
    describe: Callable[[Ensemble, str], str]


def choose_painter(record: Ensemble, source: str, kind: str | None) -> EnsemblePainter:
    """Return the painter of a kind, by default of the one that suits the record.

    Raises:
        UsageError: if the record has no scores yet, or other ones than the kind shows.
    """
    if not record.tables:
        raise UsageError(f"{source}: it has no scores yet; run landscape ensemble")
    default = "reliability" if record.curve is None else "along"
    module, attribute = ENSEMBLE_KINDS[kind or default].target.split(":")
    painter: EnsemblePainter = getattr(importlib.import_module(module), attribute)
    if painter.along != (record.curve is not None):
        what = "checkpoints" if record.curve is None else "networks along a curve"
        raise UsageError(f"--kind {kind}: {source} has {what}; use {default}")
    return painter
