"""Lines of text about the topology of a surface."""

from __future__ import annotations

from typing import Any

from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.presentation import share

READING = (
    "Minima of the slice that are deep enough to count, and the saddles between them: a single "
    "minimum means that no second basin is visible. A minimum of the slice need not be one of the "
    "network, and basins off the slice or between the grid's points are not counted."
)
"""Explanation of the numbers to a reader of a report."""

MOST_LINES = 5
"""Maximum number of minima that have a line."""


def text(numbers: dict[str, Any]) -> list[str]:
    """Format counts for each kind of neighbourhood; minima, pieces and SMAD for the larger one."""
    by_count = numbers["neighbours"]
    lines = ["; ".join(_counts(*each) for each in by_count.items()), _criterion(numbers)]
    found = next(iter(by_count.values()))
    minima = found["minima"]
    if minima["list"] is not None:
        lines += [_minimum(entry) for entry in minima["list"][:MOST_LINES]]
        if minima["count"] > MOST_LINES:
            lines.append(f"and {minima['count'] - MOST_LINES:g} more minima")
    if found["sublevel"] is not None:
        lines.append(_pieces(found["sublevel"]))
    number = _counted(minima["all"], "minim")
    return [*lines, f"SMAD {found['smad']:.4g} ({number} of any persistence)"]


def _counts(neighbours: str, found: dict[str, Any]) -> str:
    minima, maxima = (_counted(found[f"{stem}a"]["count"], stem) for stem in ("minim", "maxim"))
    return f"{neighbours} neighbours: {minima}, {maxima}"


def _criterion(numbers: dict[str, Any]) -> str:
    scale = " of ln" if numbers["scale"] == "log" else ""
    text = f"that persist for at least {100 * numbers['fraction']:.3g} % of the range{scale}"
    if numbers["errors"] is not None:
        text += f" and {numbers['errors']:g} standard errors"
    return text


def _counted(count: float, stem: str) -> str:
    return f"{count:g} {stem}{'um' if count == 1 else 'a'}"


def _minimum(entry: dict[str, Any]) -> str:
    line = f"minimum {entry['value']:.6g} at {coordinates_text(entry['at'])}"
    line += f"{', on the edge' if entry['edge'] else ''}, basin {_share(entry['share'])}"
    if entry["saddle"] is not None:
        line += f"; saddle {entry['saddle_value']:.6g} at {coordinates_text(entry['saddle'])}"
        line += f", persistence {entry['persistence']:.4g}"
    return f"{line} (interpolated)" if entry["interpolated"] else line


def _pieces(sublevel: dict[str, Any]) -> str:
    count = sublevel["pieces"]
    line = f"L up to {sublevel['level']:.6g}: {count:g} {'piece' if count == 1 else 'pieces'}"
    if sublevel["significant"] != count:
        line += f", {sublevel['significant']:g} with a minimum of those"
    return f"{line}, {_share(sublevel['share'])} of the grid"


def _share(part: float) -> str:
    return share(part) if part > 0 else "0 %"
