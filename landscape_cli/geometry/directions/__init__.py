"""Directions in parameter space: one file a kind, one line here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import Direction

KINDS = {
    "random": "landscape_cli.geometry.directions.random:RandomDirection",
    "checkpoint": "landscape_cli.geometry.directions.checkpoint:CheckpointDirection",
    "file": "landscape_cli.geometry.directions.file:FileDirection",
    "pca": "landscape_cli.geometry.directions.pca:PcaDirection",
}
"""Every kind of direction and the class that it is."""


def direction_from(settings: Mapping[str, Any], key: str) -> Direction:
    """The direction that a section of a configuration describes.

    Args:
        settings: ``kind`` (random if left out) and that kind's own settings.
        key: the section's place in the configuration, for messages, such as "directions.x".

    Raises:
        UsageError: for an unknown kind or setting, or a value of a wrong type.
    """
    kind = settings.get("kind", "random")
    if kind not in KINDS:
        raise UsageError(f"{key}.kind: got {kind!r}, expected one of {', '.join(KINDS)}")
    module, _, name = KINDS[kind].partition(":")
    try:
        direction: Direction = getattr(importlib.import_module(module), name)(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([key, *(str(part) for part in first["loc"])])
        got = "" if first["type"] == "missing" else f", got {first['input']!r}"
        raise UsageError(f"{place}: {first['msg']}{got}") from None
    return direction
