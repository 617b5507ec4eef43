"""Directions in parameter space: one file per kind, and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landscape_cli.geometry.directions.base import Direction
from landscape_cli.util.registry import build_from_section

KINDS: dict[str, str | type[Direction]] = {
    "random": "landscape_cli.geometry.directions.random:RandomDirection",
    "checkpoint": "landscape_cli.geometry.directions.checkpoint:CheckpointDirection",
    "file": "landscape_cli.geometry.directions.file:FileDirection",
    "lora": "landscape_cli.geometry.directions.lora:LoraDirection",
    "eigenvector": "landscape_cli.geometry.directions.eigenvector:EigenvectorDirection",
    "gradient": "landscape_cli.geometry.directions.gradient:GradientDirection",
    "momentum": "landscape_cli.geometry.directions.momentum:MomentumDirection",
    "diffusion": "landscape_cli.geometry.directions.diffusion:DiffusionDirection",
    "pca": "landscape_cli.geometry.directions.pca:PcaDirection",
}
"""Every kind of direction and its class."""


def direction_from(section: Mapping[str, Any], key: str) -> Direction:
    """Return the direction that a section of a configuration describes.

    Args:
        section: ``kind`` (random if left out) and that kind's own settings.
        key: the section's place in the configuration, for messages, such as "directions.x".

    Raises:
        UsageError: for an unknown kind or setting, or a value of a wrong type.
    """
    return build_from_section(KINDS, section, key, "random")


def directions_from(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, Direction]:
    """Return the directions that a configuration's ``directions`` describe, by axis.

    Raises:
        UsageError: for an unknown kind or setting, or a value of a wrong type.
    """
    return {
        axis: direction_from(section, f"directions.{axis}") for axis, section in sections.items()
    }
