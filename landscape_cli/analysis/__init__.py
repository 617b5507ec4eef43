"""Numbers from a surface: one file a number, one line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from landscape_cli.analysis import (
    barrier,
    basin,
    convexity,
    correlation,
    curvature,
    roughness,
    sharpness,
)
from landscape_cli.analysis.field import Field, Options


@dataclass(frozen=True)
class Measure:
    """A number, or a few that belong together.

    Args:
        measure: computes them, by name; raises ``UnknownError`` where they can't be.
        text: the same in lines for people.
    """

    measure: Callable[[Field, Options], dict[str, Any]]
    text: Callable[[dict[str, Any]], list[str]]


MEASURES = {
    "sharpness": Measure(sharpness.measure, sharpness.text),
    "curvature": Measure(curvature.measure, curvature.text),
    "correlation": Measure(correlation.measure, correlation.text),
    "convexity": Measure(convexity.measure, convexity.text),
    "roughness": Measure(roughness.measure, roughness.text),
    "basin": Measure(basin.measure, basin.text),
    "barrier": Measure(barrier.measure, barrier.text),
}
"""Every measure, in the order in which they are printed."""
