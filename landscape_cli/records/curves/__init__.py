"""Curves between points of parameter space; one file per shape, and one line here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from landscape_cli.util.class_paths import loaded

if TYPE_CHECKING:
    from landscape_cli.records.curves.base import CurveShape

CURVES: dict[str, str | type[CurveShape]] = {
    "bezier": "landscape_cli.records.curves.bezier:Bezier",
    "chain": "landscape_cli.records.curves.chain:Chain",
}
"""Every shape of a curve, imported when it is first used."""


def curve_of(shape: str, points: int) -> CurveShape:
    """Return a shape with a number of points, its two ends among them."""
    return loaded(CURVES[shape])(points)


def end_names(ends: Sequence[str]) -> tuple[str, str]:
    """Return short names of a curve's ends: their stems if these differ."""
    first, last = (PurePath(end).stem for end in ends)
    return (first, last) if first != last else (ends[0], ends[1])


def title_of(shape: str) -> str:
    """Return the words for a shape, such as "polygonal chain"; "curve" for an unknown one."""
    return loaded(CURVES[shape]).title if shape in CURVES else "curve"
