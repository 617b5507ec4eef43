"""What adaptive refinement came to, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def describe(facts: Mapping[str, Any], total: int) -> list[str]:
    """Lines that say how much was computed, and how far the rest may be off.

    Args:
        facts: as ``Step`` has them at the end.
        total: the points of the grid.
    """
    computed = facts["computed"]
    line = f"{computed} of {total} points computed ({100 * computed / total:.1f} %)"
    if computed == total:
        return [f"{line}: interpolation would err by more than {facts['tolerance']:g} everywhere"]
    lines = [f"{line}, the rest interpolated; {facts['held_out']} held-out points err by at most"]
    for one in facts["quantities"]:
        watched = "" if one["watched"] else ", not watched"
        lines.append(f"  {one['split']} {one['quantity']}: {bound(one)}{watched}")
    lines.append(
        f"  with 95 % confidence {100 * (1 - facts['beyond']):.0f} % of interpolated points err "
        f"by less than {100 * facts['tolerance']:g} %, where watched"
    )
    return lines


def bound(one: Mapping[str, Any]) -> str:
    """One quantity's largest error, rounded up, such as "0.4 % of the log range"."""
    error = one["error"]
    if not math.isfinite(error):
        return "infinitely much"
    scale = "log range" if one["scale"] == "log" else "range"
    return f"{math.ceil(1000 * error) / 10:g} % of the {scale}"


def error_of(facts: Mapping[str, Any], split: str, quantity: str) -> str | None:
    """``bound`` of one quantity; None if everything was computed."""
    if facts.get("held_out"):
        for one in facts["quantities"]:
            if (one["split"], one["quantity"]) == (split, quantity):
                return bound(one)
    return None
