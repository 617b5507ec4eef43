"""What of paths and checkpoints belongs to a surface, as its file says or another one does."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.plotting.panel import Panel
from landscape_cli.records.surface import Surface
from landscape_cli.records.trajectory import Marker, Trajectory, markers_of, trajectory_of

Found = TypeVar("Found")


def overlay(surface: Surface, trajectory: Trajectory, path: str, source: str) -> Surface:
    """A surface with the path of another file.

    What the axes explain of the variance stays as it was, unless they are that file's directions.

    Args:
        surface: a plane.
        trajectory: the path.
        path: its file.
        source: the surface's file, for messages.

    Raises:
        UsageError: if the surface is no plane, or the file holds no checkpoints.
    """
    if len(surface.grid.axes) != 2:
        raise UsageError(f"--trajectory {path}: {source} is no plane; a path needs one")
    if not len(trajectory.coordinates):
        raise UsageError(f"--trajectory {path}: it holds no path; name a projection's file")
    values = trajectory.as_mapping()
    own = surface.provenance.get("trajectory")
    if isinstance(own, Mapping) or not _along(surface, path):
        values["explained"] = own.get("explained") if isinstance(own, Mapping) else None
    return replace(surface, provenance={**surface.provenance, "trajectory": values})


def path_of(panel: Panel) -> Trajectory | None:
    """The path of a panel's surface, None if it has none or one without checkpoints.

    Raises:
        StoreError: naming the surface's file, if it is damaged.
    """
    found = _read(panel, trajectory_of)
    return found if found is not None and len(found.coordinates) else None


def path_notes(panels: Sequence[Panel]) -> list[str]:
    """Say how many checkpoints of each surface's path lie outside its grid."""
    found = []
    for panel in {id(panel.surface): panel for panel in panels}.values():
        axes = list(panel.surface.grid.axes.values())
        markers = [marker.coordinates[: len(axes)] for marker in checkpoints_of(panel)]
        groups = [("checkpoints", np.reshape(markers, (-1, len(axes))))]
        path = path_of(panel)
        if path is not None and panel.dimension == 2:
            groups.append(("checkpoints of the trajectory", path.coordinates))
        for what, places in groups:
            beyond = [
                (column < axis.low) | (column > axis.high)
                for column, axis in zip(places.T, axes, strict=True)
            ]
            if outside := int(np.count_nonzero(np.any(beyond, axis=0))):
                found.append(
                    f"{outside} of {len(places)} {what} lie outside the grid of {panel.source}"
                )
    return found


def _along(surface: Surface, path: str) -> bool:
    """Whether a surface's directions are those of a file."""
    directions = surface.provenance.get("directions")
    used = [one.get("path") for one in directions.values()] if isinstance(directions, dict) else []
    return bool(used) and all(
        isinstance(one, str) and os.path.realpath(one) == os.path.realpath(path) for one in used
    )


def checkpoints_of(panel: Panel) -> list[Marker]:
    """A panel's checkpoints that have a coordinate for each of its axes."""
    found = _read(panel, markers_of)
    return [marker for marker in found if len(marker.coordinates) >= panel.dimension]


def _read(panel: Panel, read: Callable[[Any], Found]) -> Found:
    try:
        return read(panel.surface.provenance)
    except StoreError as error:
        raise StoreError(f"{panel.source}: {error}") from None
