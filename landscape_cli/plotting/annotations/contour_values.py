"""The values of contour lines, written on them where there is room.

They are placed when the figure is drawn, since only then the size of axes and letters is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.style import ink, outline, pt

Floats = NDArray[np.float64]

MAX_VECTOR_VERTICES = 50_000
"""With more vertices than this, a PDF or SVG file holds contours as an image."""

CONTOUR_VALUE = "contour-value"
"""The gid of the texts."""

STEP = 0.25
"""Distance between the places that are tried along a line, in heights of a text."""

STRAIGHT = 0.93
"""Least ratio of the distance between a text's ends to the line's length below it."""

PAD = 0.35
"""Distance that a text keeps from others, from marks and from the frame, in its heights."""

DOTS = "computed"
"""The gid of dots at computed points, which are too many to be avoided."""


def rasterize_if_large(contours: Any) -> None:
    """Draw contours with many vertices as an image, to keep PDF and SVG files small."""
    vertices = sum(len(path.vertices) for path in contours.get_paths())
    contours.set_rasterized(vertices > MAX_VECTOR_VERTICES)


def write_values(axes: Any, lines: Any, scale: Scale) -> None:
    """Write each level's value once on its lines, where it covers neither texts nor marks.

    A value that finds no room is not written.
    """
    texts = []
    for level in lines.levels:
        text = axes.text(
            0.0,
            0.0,
            scale.text(level),
            fontsize=pt(7),
            ha="center",
            va="center",
            rotation_mode="anchor",
            color=ink(0),
            zorder=4.5,
            clip_on=True,
            path_effects=outline(2.4),
            gid=CONTOUR_VALUE,
        )
        text.set_in_layout(False)
        texts.append(text)
    axes.add_artist(_Values(axes, list(lines.allsegs), texts))


class _Values(Artist):
    """Places the texts just before they are drawn.

    Args:
        axes: the axes with the lines.
        segments: the lines of each level, arrays of shape (n, 2).
        texts: a text for each level.
    """

    zorder = -1.0

    def __init__(self, axes: Any, segments: list[list[Floats]], texts: list[Any]) -> None:
        super().__init__()
        self._on, self._segments, self._texts = axes, segments, texts
        self.set_in_layout(False)

    def draw(self, renderer: Any) -> None:
        """Place the texts on the axes as they are."""
        to_pixels = self._on.transData
        lines = [[to_pixels.transform(each) for each in level] for level in self._segments]
        taken = np.array([*_texts_and_marks(self._on, renderer)]).reshape(-1, 4)
        back = to_pixels.inverted()
        for number in sorted(range(len(lines)), key=lambda n: sum(map(_length, lines[n]))):
            text = self._texts[number]
            text.set(visible=True, rotation=0)
            extent = text.get_window_extent(renderer)
            others = [one for k, level in enumerate(lines) if k != number for one in level]
            size = float(extent.width), float(extent.height)
            found = _place(lines[number], others, size, taken, self._on.bbox.extents)
            text.set_visible(found is not None)
            if found is not None:
                place, angle, box = found
                text.set(position=back.transform(place), rotation=angle)
                taken = np.vstack([taken, box])


def _texts_and_marks(axes: Any, renderer: Any) -> Iterator[Floats]:
    """Yield the boxes, left, bottom, right and top in pixels, that values must not cover."""
    scale = axes.figure.dpi / 72
    for text in axes.texts:
        if text.get_gid() != CONTOUR_VALUE and text.get_visible():
            yield text.get_window_extent(renderer).extents
    for line in axes.lines:
        if line.get_gid() != DOTS and len(line.get_xydata()):
            points = line.get_transform().transform(line.get_xydata())
            half = line.get_markersize() / 2 if line.get_marker() not in ("None", None, "") else 0
            yield from _boxes(points, scale * max(half, line.get_linewidth()))
            if line.get_linestyle() != "None":
                yield from _boxes(_dense(points, 4 * scale), scale * line.get_linewidth())
    for marks in axes.collections:
        if marks.get_gid() == "own-values":
            points = axes.transData.transform(marks.get_offsets())
            yield from _boxes(points, scale * float(np.sqrt(marks.get_sizes().max())) / 2)


def _boxes(points: Floats, half: float) -> Iterator[Floats]:
    kept = points[np.isfinite(points).all(axis=1)]
    yield from np.hstack([kept - half, kept + half])


def _place(
    lines: list[Floats],
    others: list[Floats],
    size: tuple[float, float],
    taken: Floats,
    frame: Floats,
) -> tuple[Floats, float, Floats] | None:
    """Find the best place of a text on the lines of its level; None if there is no room.

    Args:
        lines: the level's lines, of shape (n, 2), in pixels.
        others: the lines of other levels.
        size: width and height of the text.
        taken: boxes that it must not cover, of shape (k, 4).
        frame: the axes' box.

    Returns:
        The text's middle, its angle in degrees, and its box.
    """
    width, height = size
    places = [_candidates(line, width, STEP * height) for line in lines if len(line) > 1]
    middles, angles = (
        (np.concatenate(each) for each in zip(*places, strict=True))
        if places
        else (
            np.empty((0, 2)),
            np.empty(0),
        )
    )
    turned = np.abs(np.cos(angles)), np.abs(np.sin(angles))
    half = np.column_stack(
        [width * turned[0] + height * turned[1], width * turned[1] + height * turned[0]]
    )
    boxes = np.hstack([middles - half / 2, middles + half / 2])
    pad = PAD * height
    inside = (boxes[:, :2] > frame[:2] + pad).all(axis=1)
    inside &= (boxes[:, 2:] < frame[2:] - pad).all(axis=1)
    for box in taken:
        inside &= (boxes[:, :2] > box[2:] + pad).any(axis=1) | (boxes[:, 2:] < box[:2] - pad).any(
            axis=1
        )
    middles, angles, boxes = middles[inside], angles[inside], boxes[inside]
    if not len(middles):
        return None
    apart = np.full(len(middles), np.inf)
    for box in taken:
        apart = np.minimum(apart, np.hypot(*(middles - (box[:2] + box[2:]) / 2).T))
    score = np.minimum(apart / (4 * width + 4 * height), 1.0)
    dense = np.concatenate([_dense(line, height / 2) for line in others]) if others else None
    if dense is not None and len(dense):
        score += np.minimum(cKDTree(dense).query(middles)[0] / height, 1.0)
    best = int(score.argmax())
    return middles[best], float(np.degrees(angles[best])), boxes[best]


def _candidates(line: Floats, width: float, step: float) -> tuple[Floats, Floats]:
    """Return middles (n, 2) and angles (n,) of the texts that fit on a line."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    starts = np.arange(0.0, along[-1] - width, step)
    ends, middles, tips = (
        np.column_stack([np.interp(starts + part * width, along, column) for column in line.T])
        for part in (0.0, 0.5, 1.0)
    )
    across = tips - ends
    straight = np.hypot(*across.T) > STRAIGHT * width
    angles = np.arctan2(across[:, 1], across[:, 0])
    angles = (angles + np.pi / 2) % np.pi - np.pi / 2
    return middles[straight], angles[straight]


def _dense(line: Floats, step: float) -> Floats:
    """Return points along a line at most about ``step`` apart, of shape (n, 2)."""
    line = line[np.isfinite(line).all(axis=1)]
    if len(line) < 2:
        return line
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0.0, along[-1], 2 + int(along[-1] / step))
    return np.column_stack([np.interp(at, along, column) for column in line.T])


def _length(line: Floats) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())
