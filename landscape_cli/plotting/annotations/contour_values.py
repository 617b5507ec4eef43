"""The values of contour lines, written on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.curve import lines_of
from landscape_cli.plotting.annotations.overlay import curve_of, paths_of
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import ink, outline, pt

Floats = NDArray[np.float64]

MAX_VECTOR_VERTICES = 50_000
"""With more vertices than this, a PDF or SVG file holds contours as an image."""

SPACING = 0.08
"""Minimum distance between labels, and minimum length of a labelled line, in axes units."""


def rasterize_if_large(contours: Any) -> None:
    """Draw contours with many vertices as an image, to keep PDF and SVG files small."""
    vertices = sum(len(path.vertices) for path in contours.get_paths())
    contours.set_rasterized(vertices > MAX_VECTOR_VERTICES)


def write_values(axes: Any, lines: Any, scale: Scale, panel: Panel) -> None:
    """Write each level's value once, on its longest line, away from others, path and curve."""
    corner = np.array([axes.get_xlim()[0], axes.get_ylim()[0]])
    size = np.array([np.ptp(axes.get_xlim()), np.ptp(axes.get_ylim())])
    curve = curve_of(panel)
    lines_over = [path.coordinates for path in paths_of(panel)]
    lines_over += [] if curve is None else lines_of(curve)
    occupied: list[Floats] = [place for points in lines_over for place in (points - corner) / size]
    places: list[Floats] = []
    for segments in lines.allsegs:
        scaled = [(segment - corner) / size for segment in segments if len(segment) > 1]
        place = _free_place(max(scaled, key=_length, default=None), occupied + places)
        if place is not None:
            places.append(place)
    positions = [tuple(place * size + corner) for place in places]
    if positions:
        axes.clabel(
            lines, fontsize=pt(7), inline=False, fmt=scale.text, colors=[ink(0)], manual=positions
        )
    for text in lines.labelTexts:
        text.set_path_effects(outline(3.2))


def _length(line: Floats) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def _free_place(line: Floats | None, occupied: list[Floats]) -> Floats | None:
    """Return the vertex of a line that is farthest from the occupied places and the centre.

    Places have shape (2,), in axes coordinates. Returns None if the line is short, or every vertex
    is closer than ``SPACING`` to one of these places.
    """
    if line is None or _length(line) < SPACING:
        return None
    inner = line[((line > 0.05) & (line < 0.95)).all(axis=1)]
    others = np.array([[0.5, 0.5], *occupied])
    distances = np.hypot(*(inner[:, None] - others).transpose(2, 0, 1)).min(axis=1)
    if not len(inner) or distances.max() < SPACING:
        return None
    place: Floats = inner[distances.argmax()]
    return place
