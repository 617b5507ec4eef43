"""Curves between points of parameter space; one file per shape, and one line here."""

from __future__ import annotations

from landscape_cli.records.curves.base import CurveShape
from landscape_cli.records.curves.bezier import Bezier
from landscape_cli.records.curves.chain import Chain

CURVES: dict[str, type[CurveShape]] = {shape.name: shape for shape in (Bezier, Chain)}
"""Every shape of a curve."""


def curve_of(shape: str, points: int) -> CurveShape:
    """Return a shape with a number of points, its two ends among them."""
    return CURVES[shape](points)


def title_of(shape: str) -> str:
    """Return the words for a shape, such as "polygonal chain"; "curve" for an unknown one."""
    return CURVES[shape].title if shape in CURVES else "curve"
