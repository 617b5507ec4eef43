"""Ranges that follow from a slice or a direction without evaluating anything."""

from __future__ import annotations

from landscape_cli.config.run_config import RunConfig
from landscape_cli.geometry.directions import direction_from
from landscape_cli.geometry.directions.base import Range
from landscape_cli.geometry.slices import slice_from
from landscape_cli.run.setup.direction_entries import StoredDirections


def known_range(config: RunConfig, axis: str) -> Range | None:
    """Return the range that follows from the slice or the direction, or None to probe for one.

    Raises:
        StoreError: if a direction's file can't be read.
    """
    recipe = slice_from(config.slice)
    if not recipe.uses_directions:
        return recipe.range(axis)
    return direction_from(config.directions[axis], f"directions.{axis}").range(
        axis, StoredDirections()
    )


def points_of_axis(config: RunConfig, axis: str) -> int:
    """Return the number of points that suits the slice or the direction."""
    section = config.directions.get(axis)
    if section is None:
        return slice_from(config.slice).auto_points
    return direction_from(section, f"directions.{axis}").auto_points
