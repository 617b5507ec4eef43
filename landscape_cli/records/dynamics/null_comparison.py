"""Comparison of a diffusion map with those of random walks: what differs, and what does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from landscape_cli.records.dynamics.diffusion import Diffusion, Null

WALKS = {
    "walk": "random walks with the same step lengths",
    "permuted": "walks of the same steps in random order",
}
"""The walks of each kind of null, in words."""

STATISTICS = {
    "time_correlation": "|corr(ψ₁, step)|",
    "square_correlation": "|corr(ψ₂, ψ₁²)|",
    "dimension": "dimension",
    "gap": "spectral gap",
    "explained": "variance in two principal components",
    "components": "effective number of components",
    "turning": "cosine of turning angles",
    "straightness": "distance over path length",
}
"""Statistics of a map in words; others are shown by their names."""

SHORT = {
    "time_correlation": "ψ₁ against step",
    "square_correlation": "ψ₂ against ψ₁²",
    "explained": "variance in 2 PCs",
    "components": "effective components",
    "turning": "turning",
    "straightness": "straightness",
}
"""The same in few letters, for headings, where they differ."""

ROUNDING = 1e-9
"""Fraction of a value that is rounding: some statistics are the walks' own by construction."""

ABOVE, BELOW, WITHIN, UNKNOWN = "above", "below", "within", "unknown"
"""The place of a map's value relative to the range of the walks'."""


@dataclass(frozen=True)
class Comparison:
    """A statistic of a map beside those of random walks.

    Args:
        statistic: its name.
        kind: the kind of null.
        value: the map's.
        low: the smallest of the walks'; NaN if none is finite.
        high: the largest of the walks'.
        draws: number of walks with a finite value.
    """

    statistic: str
    kind: str
    value: float
    low: float
    high: float
    draws: int

    @property
    def verdict(self) -> str:
        """``above``, ``below`` or ``within`` the walks' range, or ``unknown``."""
        if not self.draws or not np.isfinite(self.value):
            return UNKNOWN
        room = ROUNDING * abs(self.value)
        if self.low - room <= self.value <= self.high + room:
            return WITHIN
        return ABOVE if self.value > self.high else BELOW

    @property
    def differs(self) -> bool:
        """True if the value lies outside the walks' range."""
        return self.verdict in (ABOVE, BELOW)

    @property
    def words(self) -> str:
        """The statistic in words."""
        return statistic_words(self.statistic)

    @property
    def short(self) -> str:
        """The statistic in few letters."""
        return SHORT.get(self.statistic, self.words)

    @property
    def text(self) -> str:
        """The statistic with its value, and the walks' range in brackets."""
        walks = f"{self.low:.3g} to {self.high:.3g}" if self.draws else "none"
        return f"{self.words} {self.value:.3g} ({walks})"


def ordered_nulls(record: Diffusion) -> list[Null]:
    """Return a record's nulls in the order of ``WALKS``, others last."""
    order = list(WALKS)
    return sorted(
        record.nulls, key=lambda null: order.index(null.kind) if null.kind in order else len(order)
    )


def compare(record: Diffusion) -> list[Comparison]:
    """Compare every statistic of a map with those of each kind of null that has it."""
    return [
        _comparison(record, name, null)
        for null in ordered_nulls(record)
        for name in _ordered(record.statistics)
        if name in null.statistics
    ]


def sentences(record: Diffusion) -> list[str]:
    """State for each kind of null what distinguishes the map from its walks, and what does not."""
    found = compare(record)
    return [
        text
        for null in ordered_nulls(record)
        for text in _sentences([one for one in found if one.kind == null.kind], null)
    ]


def chance(draws: int) -> float:
    """Return the probability that one more such walk lies outside the range of these.

    The smallest and the largest of ``draws + 1`` exchangeable values are equally likely to be any
    of them.
    """
    return min(1.0, 2 / (draws + 1))


def statistic_words(name: str) -> str:
    """Return a statistic's name in words."""
    return STATISTICS.get(name, name.replace("_", " "))


def walk_words(kind: str) -> str:
    """Return the walks of a kind of null in words."""
    return WALKS.get(kind, f"walks of kind {kind}")


def _ordered(names: Iterable[str]) -> list[str]:
    """Return names in the order of ``STATISTICS``, others last."""
    order = list(STATISTICS)
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def _comparison(record: Diffusion, name: str, null: Null) -> Comparison:
    values = null.statistics[name]
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)
    return Comparison(name, null.kind, float(record.statistics[name]), low, high, len(known))


def _sentences(found: Sequence[Comparison], null: Null) -> list[str]:
    if not found:
        return []
    count, walks = len(null.epsilons), walk_words(null.kind)
    unlike = [one.text for one in found if one.differs]
    alike = [one.words for one in found if one.verdict == WITHIN]
    unknown = [one.words for one in found if one.verdict == UNKNOWN]
    texts = []
    if unlike:
        texts.append(f"Outside the range (in brackets) of {count} {walks}: {', '.join(unlike)}.")
    else:
        texts.append(f"Nothing measured here distinguishes the map from {count} {walks}.")
    if alike:
        texts.append(f"Within their range: {', '.join(alike)}.")
    if unknown:
        texts.append(f"Not comparable: {', '.join(unknown)}.")
    return texts
