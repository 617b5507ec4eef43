"""The path, checkpoints and curve of a surface, from its own provenance or a trajectory file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.plotting.panel import Panel
from landscape_cli.records.curves.facts import CurveFacts
from landscape_cli.records.curves.plane import CurveInPlane, curve_over
from landscape_cli.records.curves.words import curve_words
from landscape_cli.records.surface import Surface
from landscape_cli.records.trajectory import (
    OTHERS,
    Marker,
    Trajectory,
    markers_of,
    trajectories_of,
)

T = TypeVar("T")


def overlay(surface: Surface, trajectory: Trajectory, path: str, source: str) -> Surface:
    """Return a surface with the path of another file in place of its own ones.

    A surface that has a path keeps its own fractions of explained variance. A surface without one
    gets the file's if it was computed along the file's directions.

    Args:
        surface: a plane.
        trajectory: the path.
        path: the file of the path.
        source: the surface's file, for messages.

    Raises:
        UsageError: if the surface is not a plane, or the trajectory has no checkpoints.
    """
    _check(surface, trajectory, path, source)
    values = trajectory.as_mapping()
    own = surface.provenance.get("trajectory")
    if isinstance(own, Mapping) or not _uses_directions(surface, path):
        values["explained"] = own.get("explained") if isinstance(own, Mapping) else None
    rest = {key: value for key, value in surface.provenance.items() if key != OTHERS}
    return replace(surface, provenance={**rest, "trajectory": values})


def overlay_more(surface: Surface, trajectory: Trajectory, path: str, source: str) -> Surface:
    """Return a surface with another path besides those it has; see ``overlay``."""
    _check(surface, trajectory, path, source)
    others = [*surface.provenance.get(OTHERS, []), trajectory.as_mapping()]
    return replace(surface, provenance={**surface.provenance, OTHERS: others})


def _check(surface: Surface, trajectory: Trajectory, path: str, source: str) -> None:
    if len(surface.grid.axes) != 2:
        raise UsageError(f"--trajectory {path}: {source} is not a plane; a path needs one")
    if not len(trajectory.coordinates):
        raise UsageError(f"--trajectory {path}: no checkpoints; name a projection file")


def paths_of(panel: Panel) -> list[Trajectory]:
    """Return the paths of a panel's surface that have checkpoints.

    Raises:
        StoreError: if the surface's provenance is damaged.
    """
    return [path for path in _read(panel, trajectories_of) if len(path.coordinates)]


def curve_of(panel: Panel) -> CurveInPlane | None:
    """Return the curve whose plane a panel shows, None if it shows another surface.

    Raises:
        StoreError: if the surface's provenance is damaged.
    """
    return _read(panel, curve_over) if panel.dimension == 2 else None


def followed(panel: Panel) -> CurveFacts | None:
    """Return the curve along which a line runs, None for another surface.

    Raises:
        StoreError: if the surface's provenance is damaged.
    """
    return _read(panel, lambda facts: CurveFacts.of_surface(facts, panel.surface.grid.names))


def words_on_curve(panel: Panel) -> str:
    """Describe the curve that a panel follows or shows; empty for another surface.

    Raises:
        StoreError: if the surface's provenance is damaged.
    """
    return _read(panel, lambda facts: curve_words(facts, panel.surface.grid.names))


def path_notes(panels: Sequence[Panel]) -> list[str]:
    """Return a sentence for each group of checkpoints that is partly outside its surface's grid."""
    sentences = []
    for panel in {id(panel.surface): panel for panel in panels}.values():
        axes = list(panel.surface.grid.axes.values())
        markers = [marker.coordinates[: len(axes)] for marker in checkpoints_of(panel)]
        groups = [("checkpoints", np.reshape(markers, (-1, len(axes))))]
        for path in paths_of(panel) if panel.dimension == 2 else ():
            name = f" {path.name}" if path.name else ""
            groups.append((f"checkpoints of the trajectory{name}", path.coordinates))
        if (curve := curve_of(panel)) is not None:
            groups.append(("points of the curve", curve.coordinates))
        for what, places in groups:
            beyond = [
                (column < axis.low) | (column > axis.high)
                for column, axis in zip(places.T, axes, strict=True)
            ]
            if outside := int(np.count_nonzero(np.any(beyond, axis=0))):
                sentences.append(
                    f"{outside} of {len(places)} {what} lie outside the grid of {panel.source}"
                )
    return sentences


def _uses_directions(surface: Surface, path: str) -> bool:
    """Return whether all of a surface's directions come from a file."""
    directions = surface.provenance.get("directions")
    entries = directions.values() if isinstance(directions, dict) else ()
    files = [entry.get("path") for entry in entries]
    return bool(files) and all(
        isinstance(file, str) and os.path.realpath(file) == os.path.realpath(path) for file in files
    )


def checkpoints_of(panel: Panel) -> list[Marker]:
    """Return a panel's checkpoints that have a coordinate on each of its axes."""
    markers = _read(panel, markers_of)
    return [marker for marker in markers if len(marker.coordinates) >= panel.dimension]


def _read(panel: Panel, read: Callable[[Any], T]) -> T:
    try:
        return read(panel.surface.provenance)
    except (StoreError, ValueError) as error:
        raise StoreError(f"{panel.source}: {error}") from None
