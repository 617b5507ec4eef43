"""Measures: numbers of a point that are not means over samples; one file per kind, one line here.

The command line's help lists the kinds, so importing this module must stay fast: no torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from landscape_cli.evaluation.measures.base import PointMeasure

MEASURES: dict[str, str | type[PointMeasure]] = {
    "gradient": "landscape_cli.evaluation.measures.gradient:GradientMeasure",
    "extremes": "landscape_cli.evaluation.measures.extremes:ExtremesMeasure",
    "plane": "landscape_cli.evaluation.measures.plane:PlaneMeasure",
}
"""Every kind of measure and its class."""


def measures_from(
    sections: Mapping[str, Mapping[str, Any]], curvature: Mapping[str, Any] | None = None
) -> list[PointMeasure]:
    """Return the measures that a configuration describes.

    Args:
        sections: its ``measures``: the settings of each by its kind.
        curvature: its ``curvature``: a list of kinds under ``measures``, and settings that go to
            all of them that have such a setting.

    Raises:
        UsageError: for an unknown kind or setting, a value of a wrong type, or a kind twice.
    """
    from landscape_cli.util.registry import build_from_section

    keys = dict.fromkeys(sections, "measures")
    every = dict(sections)
    for kind in dict.fromkeys((curvature or {}).get("measures", ())):
        if kind in sections:
            raise UsageError(
                f"curvature.measures: {kind} is listed under measures too; name it in one of them"
            )
        keys[kind] = "curvature"
        every[kind] = _shared_settings(kind, curvature or {})
    return [
        build_from_section(MEASURES, {**section, "kind": kind}, f"{keys[kind]}.{kind}", kind)
        for kind, section in every.items()
    ]


def _shared_settings(kind: str, curvature: Mapping[str, Any]) -> dict[str, Any]:
    """Return those settings of the section ``curvature`` that a kind of measure has."""
    from landscape_cli.util.class_paths import loaded

    if kind not in MEASURES:
        raise UsageError(
            f"curvature.measures: got {kind!r}, expected {', '.join(MEASURES)}, or several of them"
        )
    fields = loaded(MEASURES[kind]).model_fields
    return {key: value for key, value in curvature.items() if key in fields}
