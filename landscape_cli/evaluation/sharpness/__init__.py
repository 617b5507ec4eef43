"""Measures of sharpness from the literature: one file each, and one line here.

The command line's help lists them, so importing this module must stay fast: no torch here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from landscape_cli.evaluation.sharpness.base import SharpnessMeasure

PACKAGE = "landscape_cli.evaluation.sharpness"

MEASURES: dict[str, str | type[SharpnessMeasure]] = {
    "sam": f"{PACKAGE}.sam:Sam",
    "ascent": f"{PACKAGE}.ascent:Ascent",
    "adaptive_sam": f"{PACKAGE}.adaptive_sam:AdaptiveSam",
    "average": f"{PACKAGE}.average:Average",
    "worst_2": f"{PACKAGE}.worst_case:WorstCase2",
    "worst_inf": f"{PACKAGE}.worst_case:WorstCaseInf",
    "keskar": f"{PACKAGE}.keskar:Keskar",
}
"""Every measure and its class, by its name on the command line."""


def measure_class(name: str) -> type[SharpnessMeasure]:
    """Return the class of a measure.

    Raises:
        UsageError: if there is none of this name.
    """
    from landscape_cli.util.class_paths import loaded

    if name not in MEASURES:
        raise UsageError(f"--measure: got {name!r}, expected one of {', '.join(MEASURES)}")
    return loaded(MEASURES[name])
