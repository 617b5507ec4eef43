"""Numbers computed from a surface: one module each, registered below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from landscape_cli.analysis import (
    along_curve,
    barrier,
    basin,
    convexity,
    correlation,
    curvature,
    roughness,
    sharpness,
)
from landscape_cli.analysis.field import Field, Options
from landscape_cli.analysis.paths import number as path
from landscape_cli.analysis.topology import number as topology
from landscape_cli.analysis.topology import text as topology_text


@dataclass(frozen=True)
class Number:
    """A number, or several that belong together.

    Args:
        compute: returns them by name; raises ``UnknownError`` if it can't.
        text: formats the result of ``compute`` as lines for people.
        reading: what it is, what a large or a small value means, and what not to conclude.
    """

    compute: Callable[[Field, Options], dict[str, Any]]
    text: Callable[[dict[str, Any]], list[str]]
    reading: str


NUMBERS = {
    "sharpness": Number(sharpness.compute, sharpness.text, sharpness.READING),
    "curvature": Number(curvature.compute, curvature.text, curvature.READING),
    "correlation": Number(correlation.compute, correlation.text, correlation.READING),
    "convexity": Number(convexity.compute, convexity.text, convexity.READING),
    "roughness": Number(roughness.compute, roughness.text, roughness.READING),
    "basin": Number(basin.compute, basin.text, basin.READING),
    "topology": Number(topology.compute, topology_text.text, topology_text.READING),
    "barrier": Number(barrier.compute, barrier.text, barrier.READING),
    "curve": Number(along_curve.compute, along_curve.text, along_curve.READING),
    "path": Number(path.compute, path.text, path.READING),
}
"""Every number, in the order in which they are printed."""
