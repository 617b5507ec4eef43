"""Slices: maps from coordinates to parameters; one file per kind, and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landscape_cli.geometry.slices.base import SliceRecipe
from landscape_cli.util.registry import build_from_section

SLICES: dict[str, str | type[SliceRecipe]] = {
    "affine": "landscape_cli.geometry.slices.affine_recipe:AffineRecipe",
    "curve": "landscape_cli.geometry.slices.curve:CurveRecipe",
    "curve-plane": "landscape_cli.geometry.slices.curve_plane:CurvePlaneRecipe",
    "checkpoints": "landscape_cli.geometry.slices.checkpoints:CheckpointsRecipe",
}
"""Every kind of slice and its recipe."""


def slice_from(section: Mapping[str, Any]) -> SliceRecipe:
    """Return the recipe that the section ``slice`` of a configuration describes.

    Args:
        section: ``kind`` (affine if left out) and that kind's own settings.

    Raises:
        UsageError: for an unknown kind or setting, or a value of a wrong type.
    """
    return build_from_section(SLICES, section, "slice", "affine")
