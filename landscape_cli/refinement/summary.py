"""The outcome of adaptive refinement, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def describe(facts: Mapping[str, Any], total: int) -> list[str]:
    """Describe in lines how much was computed, and how large the interpolation errors may be.

    Args:
        facts: ``Step.facts`` of the last step.
        total: number of points in the grid.
    """
    computed = facts["computed"]
    line = f"{computed} of {total} points computed ({100 * computed / total:.1f} %)"
    if computed == total:
        return [f"{line}: interpolation would err by more than {facts['tolerance']:g} everywhere"]
    lines = [f"{line}, the rest interpolated; {facts['held_out']} held-out points err by at most"]
    for entry in facts["quantities"]:
        watched = "" if entry["watched"] else ", not watched"
        lines.append(f"  {entry['split']} {entry['quantity']}: {bound(entry)}{watched}")
    lines.append(
        f"  with 95 % confidence {100 * (1 - facts['beyond']):.0f} % of interpolated points err "
        f"by less than {100 * facts['tolerance']:g} %, where watched"
    )
    return lines


def bound(entry: Mapping[str, Any]) -> str:
    """Format one quantity's largest error, rounded up, such as "0.4 % of the log range"."""
    error = entry["error"]
    if not math.isfinite(error):
        return "an infinite amount"
    scale = "log range" if entry["scale"] == "log" else "range"
    return f"{math.ceil(1000 * error) / 10:g} % of the {scale}"


def largest_error(facts: Mapping[str, Any] | None, split: str, quantity: str) -> float:
    """Return the largest error of a quantity's interpolation, as a fraction of its range.

    It is at most 1, and 0 if everything was computed.

    Args:
        facts: ``Step.facts`` of the last step; None for a run that was not adaptive.
        split: the split's name.
        quantity: the quantity's name.
    """
    if facts and facts.get("held_out"):
        for entry in facts["quantities"]:
            if (entry["split"], entry["quantity"]) == (split, quantity):
                return min(float(entry["error"]), 1.0)
    return 0.0


def error_of(facts: Mapping[str, Any], split: str, quantity: str) -> str | None:
    """Return the ``bound`` of one quantity; None if everything was computed."""
    if facts.get("held_out"):
        for entry in facts["quantities"]:
            if (entry["split"], entry["quantity"]) == (split, quantity):
                return bound(entry)
    return None
