"""Split a surface into faces: cut at the limits, and small enough for shading."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ends = tuple[float, float]

FACES_PER_AXIS = 90
"""Number of faces along an axis up to which the cells of a coarse grid are divided."""

MAX_PARTS = 4
"""Maximum number of parts into which a side of a cell is divided."""

MAX_SLICES = 100
"""Maximum number of slices into which the range of heights is cut, each of nearly one colour."""

MAX_FACES = 90_000
"""Approximate maximum number of faces; fewer slices are cut to keep to it."""

SLIVER = 1e-9
"""Distance from a limit, as a fraction of the range, within which heights are moved onto it."""


@dataclass(frozen=True)
class Faces:
    """Polygons within the limits.

    Args:
        corners: of shape (n, k, 3); a polygon with fewer than k corners repeats its last one.
        side: -1 or 1 for a polygon at the lower or upper limit that replaces a part of the surface
            beyond it, else 0; of shape (n,).
    """

    corners: Floats
    side: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.side)

    def on(self, side: int) -> Faces:
        """Return the faces with one value of ``side``."""
        return Faces(self.corners[self.side == side], self.side[self.side == side])

    @property
    def middles(self) -> Floats:
        """Middles of the polygons' bounding boxes, of shape (n, 3)."""
        middles: Floats = (self.corners.min(axis=1) + self.corners.max(axis=1)) / 2
        return middles


def faces_of(x: Floats, y: Floats, heights: Floats, ends: Ends) -> Faces:
    """Return the faces of a surface over a grid.

    A cell is cut along straight lines between the points where its sides cross a limit, like
    contour lines, and the part beyond is flattened onto the limit. The rest of a coarse grid's
    cells is subdivided bilinearly and then sliced by height, so that each face needs one colour.

    Args:
        x: ascending, of shape (nx,).
        y: ascending, of shape (ny,).
        heights: of shape (ny, nx), finite or NaN. A cell with one NaN is a triangle, and a cell
            with more has no face.
        ends: the limits, the lower one first.
    """
    low, high = ends
    parts = int(np.clip(np.ceil(FACES_PER_AXIS / max(heights.shape)), 1, MAX_PARTS))
    inside, below = _cut(_cells(x, y, _snapped(heights, ends)), low, -1)
    inside, above = _cut(inside, high, 1)
    below[..., 2], above[..., 2] = low, high
    inside = _sliced(_divided(inside, parts), ends)
    inside[..., 2] = np.clip(inside[..., 2], low, high)
    corners = _joined([inside, below, above])
    side = np.repeat(np.array([0, -1, 1], np.int8), [len(inside), len(below), len(above)])
    kept = _distinct(corners).sum(axis=1) > 2
    return Faces(corners[kept], side[kept])


def _snapped(heights: Floats, ends: Ends) -> Floats:
    """Move heights that differ from a limit only by rounding onto it."""
    for end in ends:
        heights = np.where(np.abs(heights - end) <= SLIVER * (ends[1] - ends[0]), end, heights)
    return heights


def _cells(x: Floats, y: Floats, heights: Floats) -> Floats:
    """Return the grid's cells as polygons (n, 4, 3)."""
    points = np.stack([*np.meshgrid(x, y), heights], axis=-1)
    cells = _quads(points[None])
    good = np.isfinite(cells[..., 2])
    enough = good.sum(axis=1) >= 3
    return _filled(cells[enough], good[enough])


def _quads(points: Floats) -> Floats:
    """Return the cells between points (n, rows, columns, 3) as polygons (m, 4, 3)."""
    lower, upper = points[:, :-1], points[:, 1:]
    corners = [lower[:, :, :-1], lower[:, :, 1:], upper[:, :, 1:], upper[:, :, :-1]]
    return np.stack(corners, axis=3).reshape(-1, 4, 3)


def _cut(polygons: Floats, end: float, sign: int) -> tuple[Floats, Floats]:
    """Split polygons into the parts within a limit and the parts beyond it.

    "Beyond" means above for a sign of 1, below for -1. A polygon that meets the limit in more than
    two points is first divided into triangles around its middle, so that both parts fit together.
    """
    over = sign * (polygons[..., 2] - end)
    beyond, crossed = (over > 0).any(axis=1), (over < 0).any(axis=1)
    crossed &= beyond
    sides = np.sign(over)
    crossings = sides * np.roll(sides, -1, axis=1) < 0
    meets = (crossings | (over == 0) & _distinct(polygons)).sum(axis=1)
    simple, others = polygons[crossed & (meets == 2)], polygons[crossed & (meets != 2)]
    cut = _joined([simple, _fan(others)])
    over = sign * (cut[..., 2] - end)
    level = ~over.any(axis=1)
    inside = _joined([polygons[~beyond], cut[level], _clip(cut, over, end)])
    return inside, _joined([polygons[beyond & ~crossed], _clip(cut, -over, end)])


def _clip(polygons: Floats, over: Floats, end: float) -> Floats:
    """Return the parts of polygons (n, k, 3) where ``over``, of shape (n, k) at corners, is <= 0.

    Each side on which it changes sign gets a corner at height ``end`` (Sutherland and Hodgman,
    1974, "Reentrant polygon clipping").
    """
    following, after = np.roll(polygons, -1, axis=1), np.roll(over, -1, axis=1)
    crosses = (over < 0) & (after > 0) | (over > 0) & (after < 0)
    part = np.where(crosses, over / np.where(crosses, over - after, 1.0), 0.0)[..., None]
    places = polygons + part * (following - polygons)
    places[..., 2] = end
    count = 2 * polygons.shape[1]
    corners = np.stack([polygons, places], axis=2).reshape(-1, count, 3)
    kept = np.stack([over <= 0, crosses], axis=2).reshape(-1, count)
    some = (over < 0).any(axis=1)
    return _filled(corners[some], kept[some])


def _divided(polygons: Floats, parts: int) -> Floats:
    """Divide polygons into quadrilaterals and triangles, each side into ``parts`` parts."""
    if parts == 1:
        return polygons
    large = _distinct(polygons).sum(axis=1) > 4
    triangles = _fan(polygons[large])
    cells = np.concatenate([polygons[~large, :4], triangles[:, [0, 1, 2, 2]]])
    a, b, c, d = (cells[:, None, None, corner] for corner in range(4))
    steps = np.linspace(0, 1, parts + 1)
    across, up = steps[None, None, :, None], steps[None, :, None, None]
    return _quads((1 - up) * ((1 - across) * a + across * b) + up * ((1 - across) * d + across * c))


def _sliced(polygons: Floats, ends: Ends) -> Floats:
    """Slice polygons by height, into fewer slices if there are many polygons."""
    spans = float(np.ptp(polygons[..., 2], axis=1).sum()) / (ends[1] - ends[0])
    count = MAX_SLICES
    if spans > 0:
        count = int(np.clip((MAX_FACES - len(polygons)) / spans, 1, MAX_SLICES))
    lowest = polygons[..., 2].min(axis=1)
    order = np.argsort(lowest)
    heights = np.linspace(*ends, count + 1)[1:-1].tolist()
    starts = np.searchsorted(lowest[order], heights).tolist()
    slices, rest, begin = [], polygons[:0], 0
    for height, end in zip(heights, starts, strict=True):
        started = polygons[order[begin:end]]  # those that begin below this height
        below, rest = _cut(_joined([rest, started]), height, 1)
        slices.append(below)
        begin = end
    return _joined([*slices, rest, polygons[order[begin:]]])


def _fan(polygons: Floats) -> Floats:
    """Return the triangles (n k, 3, 3) around the middles of polygons (n, k, 3)."""
    middles = np.broadcast_to(polygons.mean(axis=1, keepdims=True), polygons.shape)
    return np.stack([polygons, np.roll(polygons, -1, axis=1), middles], axis=2).reshape(-1, 3, 3)


def _distinct(polygons: Floats) -> NDArray[np.bool_]:
    """Return a mask (n, k) of corners of polygons (n, k, 3) that differ from the previous one."""
    distinct: NDArray[np.bool_] = (polygons != np.roll(polygons, 1, axis=1)).any(axis=2)
    return distinct


def _filled(corners: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Keep some corners of polygons (n, k, 3), drop repetitions, and pad with the last one."""
    polygons = _first(corners, kept)
    return _first(polygons, _distinct(polygons))


def _first(corners: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Move the kept corners of polygons (n, k, 3) to the front, and pad with the last one."""
    order = np.argsort(~kept, axis=1, kind="stable")
    counts = kept.sum(axis=1)
    places = np.minimum(np.arange(counts.max(initial=4)), counts[:, None] - 1)
    return np.take_along_axis(corners, np.take_along_axis(order, places, axis=1)[..., None], axis=1)


def _joined(groups: list[Floats]) -> Floats:
    """Concatenate groups of polygons (n, k, 3), padded to the largest number of corners."""
    width = max(group.shape[1] for group in groups)
    padded = [
        np.concatenate([group, np.repeat(group[:, -1:], width - group.shape[1], axis=1)], axis=1)
        for group in groups
    ]
    return np.concatenate(padded)
