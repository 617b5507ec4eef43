"""Curves between points of parameter space; one file per shape, and one line here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from landscape_cli.records.curves.base import CurveShape
from landscape_cli.records.curves.bezier import Bezier
from landscape_cli.records.curves.chain import Chain

CURVES: dict[str, type[CurveShape]] = {shape.name: shape for shape in (Bezier, Chain)}
"""Every shape of a curve."""


def curve_of(shape: str, points: int) -> CurveShape:
    """Return a shape with a number of points, its two ends among them."""
    return CURVES[shape](points)


def end_names(ends: Sequence[str]) -> tuple[str, str]:
    """Return short names of a curve's ends: their stems if these differ."""
    first, last = (PurePath(end).stem for end in ends)
    return (first, last) if first != last else (ends[0], ends[1])


def title_of(shape: str) -> str:
    """Return the words for a shape, such as "polygonal chain"; "curve" for an unknown one."""
    return CURVES[shape].title if shape in CURVES else "curve"
