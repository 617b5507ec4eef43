"""The faces of a surface in three dimensions: cut at its limits, and fine enough to be shaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ends = tuple[float, float]

FINE = 90
"""The cells of a coarse grid are divided until about so many faces stand along an axis."""

MOST_PARTS = 4
"""The sides of a cell are divided into at most so many parts."""

SLICES = 40
"""Heights are cut into so many slices, each of nearly one colour, ..."""

MOST_FACES = 60_000
"""... or into less, so that there are about so many faces at most."""

SLIVER = 1e-9
"""Heights so near a limit, in parts of the range, lie at it."""


@dataclass(frozen=True)
class Faces:
    """Polygons that lie within the limits.

    Args:
        corners: of shape (n, k, 3); a polygon with less than k corners repeats its last one.
        side: -1 or 1 where a polygon lies at the lower or the upper limit in place of what goes
            beyond it, else 0, of shape (n,).
    """

    corners: Floats
    side: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.side)

    def on(self, side: int) -> Faces:
        """The faces of one side."""
        return Faces(self.corners[self.side == side], self.side[self.side == side])

    @property
    def middles(self) -> Floats:
        """The middles of the boxes around the polygons, of shape (n, 3)."""
        middles: Floats = (self.corners.min(axis=1) + self.corners.max(axis=1)) / 2
        return middles


def faces_of(x: Floats, y: Floats, heights: Floats, ends: Ends) -> Faces:
    """The faces of a surface over a grid.

    A cell is cut along straight lines between the places where its sides reach a limit, as contour
    lines are; what goes beyond becomes level. What is left of a coarse grid's cells is divided,
    bilinearly, and then sliced at heights, so that a face needs one colour only.

    Args:
        x: ascending, of shape (nx,).
        y: ascending, of shape (ny,).
        heights: of shape (ny, nx), finite or NaN. A cell with one NaN is a triangle, one with more
            has no face.
        ends: the limits, the lower one first.
    """
    low, high = ends
    parts = int(np.clip(np.ceil(FINE / max(heights.shape)), 1, MOST_PARTS))
    inside, below = _cut(_cells(x, y, _snapped(heights, ends)), low, -1)
    inside, above = _cut(inside, high, 1)
    below[..., 2], above[..., 2] = low, high
    inside = _sliced(_divided(inside, parts), ends)
    inside[..., 2] = np.clip(inside[..., 2], low, high)
    corners = _joined([inside, below, above])
    side = np.repeat(np.array([0, -1, 1], np.int8), [len(inside), len(below), len(above)])
    seen = _distinct(corners).sum(axis=1) > 2
    return Faces(corners[seen], side[seen])


def _snapped(heights: Floats, ends: Ends) -> Floats:
    """Heights, those that are at a limit but for rounding brought to it."""
    for end in ends:
        heights = np.where(np.abs(heights - end) <= SLIVER * (ends[1] - ends[0]), end, heights)
    return heights


def _cells(x: Floats, y: Floats, heights: Floats) -> Floats:
    """The grid's cells, as polygons (n, 4, 3)."""
    points = np.stack([*np.meshgrid(x, y), heights], axis=-1)
    cells = _quads(points[None])
    good = np.isfinite(cells[..., 2])
    enough = good.sum(axis=1) >= 3
    return _filled(cells[enough], good[enough])


def _quads(points: Floats) -> Floats:
    """The cells between points (n, rows, columns, 3), as polygons (m, 4, 3)."""
    lower, upper = points[:, :-1], points[:, 1:]
    corners = [lower[:, :, :-1], lower[:, :, 1:], upper[:, :, 1:], upper[:, :, :-1]]
    return np.stack(corners, axis=3).reshape(-1, 4, 3)


def _cut(polygons: Floats, end: float, sign: int) -> tuple[Floats, Floats]:
    """What of polygons lies within a limit and what beyond, above it if the sign is 1, else below.

    A polygon that meets the limit in more than two points is cut as triangles around its middle, so
    that both sides agree on what is between.
    """
    over = sign * (polygons[..., 2] - end)
    beyond, crossed = (over > 0).any(axis=1), (over < 0).any(axis=1)
    crossed &= beyond
    sides = np.sign(over)
    crossings = sides * np.roll(sides, -1, axis=1) < 0
    meets = (crossings | (over == 0) & _distinct(polygons)).sum(axis=1)
    plain, others = polygons[crossed & (meets == 2)], polygons[crossed & (meets != 2)]
    cut = _joined([plain, _fan(others)])
    over = sign * (cut[..., 2] - end)
    level = ~over.any(axis=1)
    inside = _joined([polygons[~beyond], cut[level], _clip(cut, over, end)])
    return inside, _joined([polygons[beyond & ~crossed], _clip(cut, -over, end)])


def _clip(polygons: Floats, over: Floats, end: float) -> Floats:
    """The parts of polygons (n, k, 3) where what is ``over`` (n, k) at their corners is <= 0.

    Every side on which it changes sign gets a corner at the height ``end`` (Sutherland and Hodgman,
    1974).
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
    """Polygons as quadrilaterals and triangles whose sides have so many parts."""
    if parts == 1:
        return polygons
    many = _distinct(polygons).sum(axis=1) > 4
    triangles = _fan(polygons[many])
    cells = np.concatenate([polygons[~many, :4], triangles[:, [0, 1, 2, 2]]])
    a, b, c, d = (cells[:, None, None, corner] for corner in range(4))
    steps = np.linspace(0, 1, parts + 1)
    across, up = steps[None, None, :, None], steps[None, :, None, None]
    return _quads((1 - up) * ((1 - across) * a + across * b) + up * ((1 - across) * d + across * c))


def _sliced(polygons: Floats, ends: Ends) -> Floats:
    """Polygons cut at heights, unless there are so many that it would not be seen."""
    spans = float(np.ptp(polygons[..., 2], axis=1).sum()) / (ends[1] - ends[0])
    count = SLICES
    if spans > 0:
        count = int(np.clip((MOST_FACES - len(polygons)) / spans, 1, SLICES))
    done = []
    for height in np.linspace(*ends, count + 1)[1:-1].tolist():
        below, polygons = _cut(polygons, height, 1)
        done.append(below)
    return _joined([*done, polygons])


def _fan(polygons: Floats) -> Floats:
    """The triangles (n k, 3, 3) around the middles of polygons (n, k, 3)."""
    middles = np.broadcast_to(polygons.mean(axis=1, keepdims=True), polygons.shape)
    return np.stack([polygons, np.roll(polygons, -1, axis=1), middles], axis=2).reshape(-1, 3, 3)


def _distinct(polygons: Floats) -> NDArray[np.bool_]:
    """Which corners of polygons (n, k, 3) are not their predecessor's repetition, (n, k)."""
    distinct: NDArray[np.bool_] = (polygons != np.roll(polygons, 1, axis=1)).any(axis=2)
    return distinct


def _filled(corners: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Polygons of the kept corners of others (n, k, 3), each one once, then the last one again."""
    polygons = _first(corners, kept)
    return _first(polygons, _distinct(polygons))


def _first(corners: Floats, kept: NDArray[np.bool_]) -> Floats:
    """Polygons that begin with the kept corners of others (n, k, 3) and repeat the last one."""
    order = np.argsort(~kept, axis=1, kind="stable")
    counts = kept.sum(axis=1)
    places = np.minimum(np.arange(counts.max(initial=4)), counts[:, None] - 1)
    return np.take_along_axis(corners, np.take_along_axis(order, places, axis=1)[..., None], axis=1)


def _joined(groups: list[Floats]) -> Floats:
    """Polygons of all groups, each (n, k, 3), with as many corners as the largest has."""
    width = max(group.shape[1] for group in groups)
    filled = [
        np.concatenate([group, np.repeat(group[:, -1:], width - group.shape[1], axis=1)], axis=1)
        for group in groups
    ]
    return np.concatenate(filled)
