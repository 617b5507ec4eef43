"""Ensembles in words: a table of scores for each split, and paired differences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from landscape_cli.records.ensemble import (
    ENSEMBLE,
    MEMBER,
    START,
    TOGETHER,
    Difference,
    Ensemble,
    Scores,
    ScoreTable,
)
from landscape_cli.records.presentation import MINUS, with_error

HEAD = ("", "loss", "accuracy", "Brier score", "calibration error")

ALONG = ("t", "loss of phi(t)", "accuracy", f"loss of {TOGETHER}", "accuracy")

SHOWN = ("loss", "accuracy")
"""Quantities whose differences are shown; the file has all."""


def summary(record: Ensemble) -> list[str]:
    """Return the lines of a report."""
    if record.curve is not None:
        blocks = [_along(record, split) for split in record.splits]
    else:
        blocks = [_block(table) for table in record.tables]
    return [line for number, block in enumerate(blocks) for line in [""][:number] + block]


def _block(table: ScoreTable) -> list[str]:
    """Return the lines of a split."""
    count = f"{table.samples:,} samples"
    if table.predictions != table.samples:
        count += f", {table.predictions:,} predictions"
    return [
        f"{table.split}: {count}",
        *aligned([HEAD, *(row.cells for row in table.rows)]),
        *_differences(table),
        *_warnings(table.rows),
    ]


def _along(record: Ensemble, split: str) -> list[str]:
    """Return the lines of a split along a curve."""
    tables = record.along(split)
    rows = [(f"{t.place:.4g}", t.row(MEMBER), t.row(ENSEMBLE)) for t in tables]
    known = [table for table in tables if math.isfinite(table.row(ENSEMBLE).accuracy)]
    best = max(known or tables, key=lambda table: table.row(ENSEMBLE).accuracy)
    gains = [one for one in best.differences if one.minus == START and one.quantity in SHOWN]
    return [
        f"{split}: {tables[0].samples:,} samples, {len(tables)} places on {record.curve}",
        *aligned([ALONG, *((t, *_short(own), *_short(joint)) for t, own, joint in rows)]),
        f"{TOGETHER} at t = {best.place:.4g} (the best place) {MINUS} {START}: "
        + ", ".join(map(_difference, gains)),
        *_warnings([row for _, *both in rows for row in both]),
    ]


def _short(row: Scores) -> tuple[str, ...]:
    return row.cells[1:3]


def _differences(table: ScoreTable) -> Iterator[str]:
    """Yield a line for each pair of rows."""
    members = {row.name for row in table.rows if row.role == MEMBER}
    several = len(members) > 1
    for row, minus in dict.fromkeys((one.row, one.minus) for one in table.differences):
        shown = [
            one
            for one in table.differences
            if (one.row, one.minus) == (row, minus) and one.quantity in SHOWN
        ]
        if shown:
            by = " and ".join(one.quantity for one in shown)
            best = f" (the best member by {by})" if several and minus in members else ""
            yield f"{row} {MINUS} {minus}{best}: {', '.join(map(_difference, shown))}"


def _difference(one: Difference) -> str:
    scale, unit = (100, " points") if one.quantity == "accuracy" else (1, "")
    return f"{one.quantity} {with_error(scale * one.value, scale * one.stderr, sign=True)}{unit}"


def _warnings(rows: Sequence[Scores]) -> Iterator[str]:
    for row in rows:
        if row.not_finite and row.bins:
            yield f"{row.name}: {row.not_finite:,} predictions are not numbers"


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
