"""Results of a study: settings, numbers, tables, and a verdict on each claim."""

from __future__ import annotations

import itertools
import json
import math
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Verdict = Literal["agrees", "disagrees", "undecided"]

NAME = "results.json"


@dataclass(frozen=True)
class Table:
    """A table of formatted cells.

    Args:
        head: the titles of its columns.
        rows: its rows.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def markdown(self) -> str:
        """The table in Markdown, without the end of its last line."""
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Claim:
    """A claim of the literature beside what was seen here.

    Args:
        source: who says it and where, such as "Li et al. 2018, section 5".
        says: what is claimed.
        seen: what was seen, with its numbers.
        verdict: whether both agree.
    """

    source: str
    says: str
    seen: str
    verdict: Verdict


def _one_digit(error: float) -> str:
    """Round to one digit, without an exponent where that is short."""
    rounded = float(f"{error:.1g}")
    return f"{rounded:.0f}" if rounded >= 1 else f"{error:.1g}"


@dataclass(frozen=True)
class Results:
    """All that a study's page shows.

    Args:
        settings: constants that the text mentions.
        numbers: what else the text mentions, unrounded.
        tables: by name.
        claims: in the order of the page.
        figures: the stems of the PNG files in the study's folder.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    claims: Sequence[Claim] = ()
    figures: Sequence[str] = ()


@dataclass(frozen=True)
class Mean:
    """A mean over seeds with its standard error.

    Args:
        value: the mean; NaN without a value.
        error: its standard error; NaN of fewer than two values, which decide nothing.
    """

    value: float
    error: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Mean:
        """Take the mean of the values that are numbers."""
        known = [value for value in map(float, values) if not math.isnan(value)]
        if len(known) < 2:
            return cls(known[0] if known else math.nan, math.nan)
        return cls(statistics.fmean(known), statistics.stdev(known) / len(known) ** 0.5)

    def __sub__(self, other: Mean) -> Mean:
        """Return the difference from an independent mean."""
        return Mean(self.value - other.value, math.hypot(self.error, other.error))

    def __neg__(self) -> Mean:
        return Mean(-self.value, self.error)

    def text(self, digits: int = 3) -> str:
        """Format both: the error in one digit, the mean up to that one, or in fewer digits."""
        if math.isnan(self.value):
            return "none"
        if math.isnan(self.error):
            return f"{self.value:.{digits}g}"
        size = abs(self.value)
        if self.error <= 0 or not 1e-4 <= max(size, self.error) < 1e5:
            return f"{self.value:.{digits}g} ± {self.error:.1g}"
        places = -math.floor(math.log10(float(f"{self.error:.1g}")))
        if size > 0:
            places = min(places, digits - 1 - math.floor(math.log10(size)))
        mean = round(self.value, places) + 0.0  # no negative zero
        return f"{mean:.{max(places, 0)}f} ± {_one_digit(self.error)}"

    def percent(self, digits: int = 2) -> str:
        """Format a fraction in percent."""
        return f"{Mean(100 * self.value, 100 * self.error).text(digits)} %"

    def __str__(self) -> str:
        return self.text()


def verdict(difference: Mean, factor: float = 2.0) -> Verdict:
    """Say whether a difference has the sign that was claimed, positive, beyond its error."""
    if difference.value > factor * difference.error:
        return "agrees"
    return "disagrees" if difference.value < -factor * difference.error else "undecided"


def ordered(values: Sequence[Mean], falling: bool = False, factor: float = 2.0) -> Verdict:
    """Say whether means rise as claimed, or fall.

    It disagrees if a step is in the other direction beyond its error; else the ends decide.
    """
    steps = [b - a for a, b in itertools.pairwise(values)]
    steps = [-step for step in steps] if falling else steps
    if any(verdict(step, factor) == "disagrees" for step in steps):
        return "disagrees"
    whole = values[-1] - values[0]
    return verdict(-whole if falling else whole, factor)


def merge(parts: Iterable[Results]) -> Results:
    """Put the results of a study's parts together, in their order."""
    whole = list(parts)
    return Results(
        settings={key: value for part in whole for key, value in part.settings.items()},
        numbers={key: value for part in whole for key, value in part.numbers.items()},
        tables={key: value for part in whole for key, value in part.tables.items()},
        claims=[claim for part in whole for claim in part.claims],
        figures=[figure for part in whole for figure in part.figures],
    )


def worst(words: Collection[Verdict]) -> Verdict:
    """Judge a claim of several parts by the one that speaks most against it."""
    order: tuple[Verdict, ...] = ("disagrees", "undecided", "agrees")
    return next(word for word in order if word in words)


def most(held: Sequence[bool]) -> Verdict:
    """Judge a claim about every case: agrees if all show it, disagrees if at most half do."""
    if all(held):
        return "agrees"
    return "undecided" if sum(held) > len(held) / 2 else "disagrees"


def write(results: Results, cost: Mapping[str, Any], path: Path) -> Path:
    """Write results and what they cost as JSON."""
    text = json.dumps({**asdict(results), "cost": dict(cost)}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path
