"""Draw trajectories, curves and checkpoints on surfaces in three dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.curve import draw_curve_above, lines_of
from landscape_cli.plotting.annotations.overlay import checkpoints_of, curve_of, paths_of
from landscape_cli.plotting.annotations.own_values import absent_look, own_values
from landscape_cli.plotting.annotations.path import (
    ENDS,
    MARKER,
    checkpoint_name,
    mark_look,
    path_color,
    path_label,
    subdivided,
)
from landscape_cli.plotting.annotations.pins import draw_line, draw_pins
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.visibility import Lift, Sight
from landscape_cli.plotting.style import outline, pt
from landscape_cli.records.trajectory import Trajectory

Floats = NDArray[np.float64]

MAX_STEMS = 100
"""With more checkpoints than this, only some have stems to the surface."""


def draw_path_above(axes: Any, panel: Panel, scale: Scale, sight: Sight, floor: float) -> None:
    """Draw path, curve and checkpoints of a panel in a 3-D box, where they are within the grid.

    A path whose checkpoints' own values are known is drawn at these, with a stem from each to its
    projection onto the surface. What the surface hides is dotted or hollow.

    Args:
        axes: the 3-D axes.
        panel: the panel drawn there.
        scale: its scale.
        sight: the surface and the eye.
        floor: the height of the box's floor.
    """
    above = sight.lift
    if (curve := curve_of(panel)) is not None:
        draw_curve_above(axes, curve, [above(line) for line in lines_of(curve)], sight, floor)
    else:
        _draw_checkpoints_above(axes, panel, above, sight, floor)
    lifted = paths_above(panel, above, scale)
    for place, (trajectory, path) in enumerate(zip(paths_of(panel), lifted, strict=True)):
        look: dict[str, Any] = {"linewidth": pt(1), "path_effects": outline(2.8), "zorder": 5.5}
        look |= {"color": path_color(place), "label": path.label(trajectory), "gid": "trajectory"}
        if path.own is None:
            draw_line(axes, path.line, sight, **look)
        else:
            _draw_own_line(axes, path, look)
            _mark_absent(axes, panel, trajectory, path.own, scale)
    for place, path in enumerate(lifted):
        places = path.drawn
        ends = ((places[:1], "s", 4.5, "first"), (places[-1:], "*", 9, "last"))
        for end, marker, size, name in ends:
            label = name if place == 0 else f"_{name}"
            named = {**mark_look(marker, ENDS, size), "label": label}
            draw_pins(axes, end, floor, sight, zorder=6, **named)


def _draw_checkpoints_above(
    axes: Any, panel: Panel, above: Lift, sight: Sight, floor: float
) -> None:
    for marker in checkpoints_of(panel):
        (place,) = above(np.array([marker.coordinates[:2]], dtype=float))
        if np.isfinite(place).all():
            look = mark_look("D", "none" if marker.off else MARKER, 4.5)
            draw_pins(axes, place[None], floor, sight, zorder=5.9, **look)
            style = {"fontsize": pt(8), "path_effects": outline(1.8), "gid": "checkpoint"}
            axes.text(
                *place, f"{checkpoint_name(marker)}\n", zorder=7, ha="center", va="center", **style
            )


@dataclass(frozen=True)
class LiftedPath:
    """A path above a plane, with heights as drawn; NaN where there are none.

    Args:
        line: closely spaced points along it on the surface, of shape (m, 3).
        projected: its checkpoints on the surface, of shape (n, 3).
        own: its checkpoints at their own values, of shape (n, 3); None if these are unknown.
    """

    line: Floats
    projected: Floats
    own: Floats | None

    def label(self, trajectory: Trajectory) -> str:
        """Return the path's entry of the legend, which says where its checkpoints are drawn."""
        return path_label(trajectory) + ("" if self.own is None else ", at their own values")

    @property
    def drawn(self) -> Floats:
        """The checkpoints at their own values, or else on the surface, of shape (n, 3)."""
        return self.projected if self.own is None else self.own

    @property
    def stems(self) -> Floats:
        """From checkpoints on the surface to their own values, where both exist, (k, 2, 3).

        Of many checkpoints, these are some at equal distances in their order.
        """
        if self.own is None:
            return np.empty((0, 2, 3))
        both = np.stack([self.projected, self.own], axis=1)
        both = both[np.isfinite(both).all(axis=(1, 2))]
        return both[:: -(-len(both) // MAX_STEMS)] if len(both) > MAX_STEMS else both


def paths_above(panel: Panel, lift: Lift, scale: Scale) -> list[LiftedPath]:
    """Lift a plane's paths onto its surface, and to their own values within the scale's limits.

    Args:
        panel: the plane's panel.
        lift: lifts points of the plane onto its surface.
        scale: its scale.
    """
    return [
        LiftedPath(lift(subdivided(path)), lift(path.coordinates), _own_heights(panel, path, scale))
        for path in paths_of(panel)
    ]


def _own_heights(panel: Panel, path: Trajectory, scale: Scale) -> Floats | None:
    """Return checkpoints at their own values, of shape (n, 3), NaN outside the grid."""
    values = own_values(panel, path)
    if values is None:
        return None
    x, y = path.coordinates.T
    inside = (panel.x[0] <= x) & (x <= panel.x[-1]) & (panel.y[0] <= y) & (y <= panel.y[-1])
    heights = np.where(inside, np.clip(scale.heights(values), *scale.ends), np.nan)
    return np.column_stack([path.coordinates, heights])


def _draw_own_line(axes: Any, path: LiftedPath, look: dict[str, Any]) -> None:
    """Draw a path at its own values, its stems, and faintly its projection onto the surface."""
    assert path.own is not None
    thin = {"color": look["color"], "linewidth": pt(0.6)}
    axes.plot(*path.line.T, zorder=5.3, alpha=0.45, linestyle=(0, (3, 2)), **thin)
    for stem in path.stems:
        axes.plot(*stem.T, zorder=5.4, alpha=0.7, gid="stem", **thin)
    axes.plot(*path.own.T, **look)


def _mark_absent(
    axes: Any, panel: Panel, trajectory: Trajectory, own: Floats, scale: Scale
) -> None:
    """Mark checkpoints within the grid whose own value can't be drawn, at the upper limit."""
    values = own_values(panel, trajectory)
    assert values is not None
    known = np.isfinite(scale.heights(values))
    if not known.all():
        x, y = own[~known, :2].T
        at = np.full(len(x), scale.ends[1])
        axes.plot(x, y, at, zorder=6.1, **absent_look(values, known))
