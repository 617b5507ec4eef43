"""Draw trajectories and curves over planes, and checkpoints on planes and lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.plotting.annotations.curve import draw_curve, draw_curve_above, lines_of
from landscape_cli.plotting.annotations.overlay import checkpoints_of, curve_of, paths_of
from landscape_cli.plotting.annotations.own_values import (
    ROOM,
    absent_look,
    draw_own_values,
    own_values,
)
from landscape_cli.plotting.annotations.pins import draw_line, draw_pins
from landscape_cli.plotting.annotations.text_placement import LabelWriter
from landscape_cli.plotting.panel import Panel
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.scene3d.visibility import Lift, Sight
from landscape_cli.plotting.style import ink, outline, pt
from landscape_cli.plotting.text.labels import legend_text, plain, shorten
from landscape_cli.records.dynamics.phases import drops
from landscape_cli.records.trajectory import Marker, Trajectory

Floats = NDArray[np.float64]

OTHERS = ("#cc79a7", "#e69f00", "#56b4e9", "#009e73")
"""Colours of the paths after the first (Okabe and Ito's); the first is in the colour of text."""

ENDS, DROP, MARKER = "#d55e00", "#f0e442", "white"
"""Colours of a path's ends, of learning-rate drops, and of checkpoints."""

SUBSTEPS = 16
"""Parts into which a step of a path is divided to follow a surface, and to keep texts off it."""

MAX_DOTS = 300
"""With more checkpoints than this, dots would hide the path."""

MAX_STEMS = 100
"""With more checkpoints than this, only some have stems to the surface."""

MAX_LABELS = 12
"""Approximate maximum number of epochs written along a path."""

APART = 0.24
"""Minimum distance in inches between points whose epochs are written."""

MAX_NAME_LENGTH = 24
"""Maximum number of characters of a checkpoint's name."""


def draw_path(axes: Any, panel: Panel, scale: Scale) -> None:
    """Draw path, curve and checkpoints of a flat panel's surface without changing the limits.

    Checkpoints whose own value of the panel's quantity is known have its colour.
    """
    paths, markers, curve = paths_of(panel), checkpoints_of(panel), curve_of(panel)
    if not paths and not markers and curve is None:
        return
    limits = {"xlim": axes.get_xlim(), "ylim": axes.get_ylim()}
    points: list[Sequence[float]] = [marker.coordinates for marker in markers]
    for trajectory in paths:
        points += _subdivided(trajectory).tolist()
    for line in () if curve is None else lines_of(curve):
        points += line.tolist()
    writer = LabelWriter(axes, panel, points)
    for marker in markers:
        look = _look("D", "none" if marker.off else MARKER, 4.5)
        axes.plot(*marker.coordinates[:2], zorder=6, **look)
        writer.write(marker.coordinates, checkpoint_name(marker), "checkpoint")
    if curve is not None:
        draw_curve(axes, curve)
    for place, trajectory in enumerate(paths):
        color = path_color(place)
        own = draw_own_values(axes, panel, trajectory, scale, color)
        _draw_line(axes, trajectory, color, own)
    for place, trajectory in enumerate(paths):
        _draw_marks(axes, trajectory, named=place == 0)
        for number in epochs_to_write(trajectory):
            point, text = trajectory.coordinates[number], str((trajectory.epochs or ())[number])
            writer.write(point, text, "epoch", APART)
    axes.set(**limits)


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
            named = {**_look(marker, ENDS, size), "label": label}
            draw_pins(axes, end, floor, sight, zorder=6, **named)


def _draw_checkpoints_above(
    axes: Any, panel: Panel, above: Lift, sight: Sight, floor: float
) -> None:
    for marker in checkpoints_of(panel):
        (place,) = above(np.array([marker.coordinates[:2]], dtype=float))
        if np.isfinite(place).all():
            look = _look("D", "none" if marker.off else MARKER, 4.5)
            draw_pins(axes, place[None], floor, sight, zorder=5.9, **look)
            style = {"fontsize": pt(8), "path_effects": outline(1.8), "gid": "checkpoint"}
            axes.text(
                *place, f"{checkpoint_name(marker)}\n", zorder=7, ha="center", va="center", **style
            )


def path_color(place: int) -> Any:
    """Return the colour of a plane's path, counted from 0."""
    return OTHERS[(place - 1) % len(OTHERS)] if place else ink(0)


def path_label(trajectory: Trajectory) -> str:
    """Return a path's entry of the legend: its name beside others, and the checkpoints."""
    name = f"{shorten(trajectory.name, MAX_NAME_LENGTH)}: " if trajectory.name else ""
    return legend_text(f"{name}{len(trajectory.coordinates)} checkpoints")


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
        LiftedPath(
            lift(_subdivided(path)), lift(path.coordinates), _own_heights(panel, path, scale)
        )
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


def epochs_to_write(trajectory: Trajectory) -> list[int]:
    """Return the indices of checkpoints whose epoch is worth writing, most important first.

    Of several checkpoints in an epoch, besides the ends, it is the first.
    """
    if trajectory.epochs is None:
        return []
    epochs = np.array(trajectory.epochs)
    begins = np.append(True, np.diff(epochs) != 0)
    chosen = [len(epochs) - 1, 0, *drops(trajectory.learning_rates)]
    width = max(1, int(np.ptp(epochs)))
    steps = [m * 10**k for k in range(len(str(width)), -1, -1) for m in (5, 2, 1)]
    step = next((s for s in reversed(steps) if width / s <= MAX_LABELS), steps[0])
    for coarse in (10 * step, 5 * step, 2 * step, step):
        chosen += np.flatnonzero(begins & (epochs % coarse == 0)).tolist()
    return list(dict.fromkeys(chosen))


def _subdivided(trajectory: Trajectory) -> Floats:
    """Return closely spaced points along a path, of shape (m, 2)."""
    numbers = np.arange(len(trajectory.coordinates))
    steps = np.linspace(0, numbers[-1], 1 + SUBSTEPS * int(numbers[-1]))
    columns = trajectory.coordinates.T
    return np.stack([np.interp(steps, numbers, column) for column in columns], axis=1)


def _draw_line(axes: Any, trajectory: Trajectory, color: Any, own: bool) -> None:
    count = len(trajectory.coordinates)
    suffix = " (by epoch)" if trajectory.epochs else ""
    suffix += ", coloured by own value" if own else ""
    width = 2.4 if own and count >= ROOM else 1.0  # so that the line surrounds the dots
    axes.plot(
        *trajectory.coordinates.T,
        "-o" if count <= MAX_DOTS and not own else "-",
        color=color,
        linewidth=pt(width),
        markersize=pt(float(np.clip(60 / count, 0.9, 2.4))),
        path_effects=outline(1.8 + width),
        solid_joinstyle="round",
        zorder=5.5,
        label=path_label(trajectory) + suffix,
        gid="trajectory",
    )


def _draw_marks(axes: Any, trajectory: Trajectory, named: bool) -> None:
    """Mark the first and last checkpoints, and the drops of the learning rate.

    Args:
        axes: the axes to draw on.
        trajectory: the path.
        named: whether the ends have entries in the legend.
    """
    hidden = "" if named else "_"
    places = trajectory.coordinates
    if numbers := drops(trajectory.learning_rates):
        name = f"{shorten(trajectory.name, MAX_NAME_LENGTH)}: " if trajectory.name else ""
        text = legend_text(name + _drops_text(trajectory, numbers))
        look = {**_look("v", DROP, 5.5), "label": text}
        axes.plot(*places[numbers].T, zorder=6.2, **look)
    look = _look("s", ENDS, 4.5)
    axes.plot(*places[:1].T, zorder=6, **{**look, "label": f"{hidden}first"})
    look = _look("*", ENDS, 8)
    axes.plot(*places[-1:].T, zorder=6.4, **{**look, "label": f"{hidden}last"})


def _drops_text(trajectory: Trajectory, numbers: Sequence[int]) -> str:
    epochs = trajectory.epochs or ()
    after = ", ".join(str(epochs[number]) for number in numbers) if epochs else ""
    return "lr falls" + (f" after {after}" if after else "")


def _look(marker: str, color: str, size: float) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": marker,
        "markersize": size,
        "color": color,  # not the next of the cycle, as legends merge what looks the same
        "markerfacecolor": color,
        "markeredgecolor": "black",
        "markeredgewidth": 0.7,
        "label": "_mark",
    }


def checkpoint_name(marker: Marker) -> str:
    """Return a checkpoint's name, with its distance from the slice if it is off it."""
    name = plain(shorten(marker.label, MAX_NAME_LENGTH))
    return f"{name} ({marker.residual:.3g} off)" if marker.off else name
