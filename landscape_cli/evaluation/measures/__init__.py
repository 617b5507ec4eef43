"""Measures: numbers of a point that are not means over samples; one file per kind, one line here.

The command line's help lists the kinds, so importing this module must stay fast: no torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landscape_cli.evaluation.measures.base import PointMeasure

MEASURES: dict[str, str | type[PointMeasure]] = {
    "gradient": "landscape_cli.evaluation.measures.gradient:GradientMeasure",
}
"""Every kind of measure and its class."""


def measures_from(sections: Mapping[str, Mapping[str, Any]]) -> list[PointMeasure]:
    """Return the measures that the section ``measures`` of a configuration describes.

    Args:
        sections: the settings of each by its kind.

    Raises:
        UsageError: for an unknown kind or setting, or a value of a wrong type.
    """
    from landscape_cli.util.registry import build_from_section

    return [
        build_from_section(MEASURES, {**section, "kind": kind}, f"measures.{kind}", kind)
        for kind, section in sections.items()
    ]
