"""A few words on the curve of a surface, for captions and summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landscape_cli.records.curves import title_of
from landscape_cli.records.curves.facts import CurveFacts
from landscape_cli.records.curves.plane import curve_over


def curve_words(provenance: Mapping[str, Any], axes: Sequence[str]) -> str:
    """State the length of the curve that a line follows, or what curve a plane shows.

    Args:
        provenance: of the surface.
        axes: the names of its axes.

    Returns:
        Words such as "length 17.2, its ends 16.5 apart"; empty for another surface.

    Raises:
        ValueError: if what the provenance says is no curve.
        StoreError: if the curve of a plane is damaged.
    """
    if (along := CurveFacts.of_surface(provenance, axes)) is not None:
        straight = along.shape.points == 2
        apart = "" if straight else f", its ends {along.straight:.3g} apart"
        return f"length {along.length:.3g}{apart}"
    if (curve := curve_over(provenance)) is None:
        return ""
    text = f"{title_of(curve.shape)} from {curve.names[0]} to {curve.names[1]}"
    return f"{text}, up to {curve.residual:.3g} off the plane" if curve.residual > 0 else text
