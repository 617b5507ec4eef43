"""Comparison of what a command prints with what a page shows."""

from __future__ import annotations

import re

import pytest

CLONE = "/home/you/landscape"
"""The clone on the pages."""

VARYING = [
    (r"note: .* % of the (linear|logarithmic) scale; try .*\n", ""),  # near a threshold
    (r"warning: \S+ took [\d.]+ s to write, .*\n", ""),
    (r" on \S+: cpu \([^)]+\), \d+ threads? each", " on HOST: cpu"),
    (r"(?m)^.*, ETA (?!00:00)[\d:]+.*\n", ""),  # of runs that take more than 30 seconds
    (r"[\d.e+-]+ [a-z]+/s, elapsed [\d:]+, ETA \S+", "RATE"),
    (r"\d+ of (\d+) points computed \([\d.]+ %\)", r"N of \1 points computed"),
    (r"sha256 \w+", "sha256 HASH"),
    (r"run: .*ranks: (\d+).*", r"run: \1"),
]
"""What differs from run to run."""

NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")
ANY_NUMBER = re.compile(r"-?\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?")

SKIPPED = "..."
"""A line of a page in whose place any lines may stand."""


def compare(got: str, shown: str, folder: str, numbers: bool = True) -> None:
    """Refuse output that is not what is shown, but for what varies.

    Lines may come in another order, since both streams are one here, and spaces be more or fewer.
    Numbers may differ by 3 %, which another processor's rounding explains.

    Args:
        got: what the command printed.
        shown: what the page shows.
        folder: the folder that stands for the clone.
        numbers: whether numbers are compared.
    """

    def place(line: str) -> tuple[str, str]:
        return _masked(line, numbers), line

    printed = sorted(_normal(got.replace(folder, CLONE)).splitlines(), key=place)
    wanted = sorted(_normal(shown).splitlines(), key=place)
    some = any(line.strip() == SKIPPED for line in wanted)
    wanted = [line for line in wanted if line.strip() != SKIPPED]
    if some:
        printed = [line for line in printed if _masked(line, numbers) in _all(wanted, numbers)]
        printed = _first_of_each(printed, wanted, numbers)
    assert [_masked(line, numbers) for line in printed] == [
        _masked(line, numbers) for line in wanted
    ]
    if numbers:
        for one, other in zip(_numbers(printed), _numbers(wanted), strict=True):
            assert float(one) == pytest.approx(float(other), rel=0.03, abs=0.15), (got, shown)


def _normal(text: str) -> str:
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return text


def _masked(line: str, numbers: bool) -> str:
    """Return a line without its numbers, nor the spaces that align them."""
    masked = (NUMBER if numbers else ANY_NUMBER).sub("#", line)
    return " ".join(masked.split())


def _all(lines: list[str], numbers: bool) -> list[str]:
    return [_masked(line, numbers) for line in lines]


def _first_of_each(printed: list[str], wanted: list[str], numbers: bool) -> list[str]:
    """Choose for each wanted line the printed one that is nearest, in the order of the wanted."""
    chosen = []
    for line in wanted:
        alike = [one for one in printed if _masked(one, numbers) == _masked(line, numbers)]
        nearest = min(alike, key=lambda one: _distance(one, line), default=None)
        if nearest is not None:
            printed.remove(nearest)
            chosen.append(nearest)
    return chosen


def _distance(one: str, other: str) -> float:
    pairs = zip(_numbers([one]), _numbers([other]), strict=False)
    return sum(abs(float(a) - float(b)) for a, b in pairs)


def _numbers(lines: list[str]) -> list[str]:
    return [number for line in lines for number in NUMBER.findall(line)]
