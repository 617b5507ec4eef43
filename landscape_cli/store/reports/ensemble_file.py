"""Ensemble files: JSON, written whole.

    {"format": "loss-landscape-ensemble", "format_version": 1, "complete": true,
     "members": ["a", "b"], "curve": null, "bins": 15,
     "tables": [{"split": "test", "place": null, "samples": 360, "predictions": 360,
                 "rows": [{"name": "a", "role": "member", "loss": 0.1, "loss_stderr": 0.01, ...}],
                 "differences": [{"row": "ensemble", "minus": "a", "quantity": "loss", ...}]}],
     "config": {...}, "provenance": {...}}

Numbers that are not finite are the texts "nan", "inf" and "-inf".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from landscape_cli.records.ensemble import Difference, Ensemble, Scores, ScoreTable
from landscape_cli.store.atomic_write import Check, unchecked
from landscape_cli.store.reports.json_report import Report, listed, mapping, plain, text_of

REPORT = Report("loss-landscape-ensemble", 1, "ensemble file")

TEXTS = ("name", "role")


def ensemble_facts(record: Ensemble) -> dict[str, Any]:
    """Return a record as plain values, as its file has them."""
    facts = asdict(record)
    last = {name: facts.pop(name) for name in ("tables", "config", "provenance")}
    first = {name: facts.pop(name) for name in ("complete", "members", "curve", "bins")}
    found: dict[str, Any] = plain({**REPORT.head(), **first, **facts, **last})
    return found


def write_ensemble(path: Path, record: Ensemble, check: Check = unchecked) -> None:
    """Write an ensemble file, and replace an earlier one in one step.

    Raises:
        StoreError: if the file can't be written.
    """
    REPORT.write(path, ensemble_facts(record), check)


def read_ensemble(path: str | os.PathLike[str], key: str = "FILE") -> Ensemble:
    """Read an ensemble file.

    Args:
        path: the file.
        key: the option that names it, for messages.

    Raises:
        StoreError: if it is missing, damaged, another file, or of a later version.
    """
    return REPORT.read(path, key, _record)


def _record(facts: Mapping[str, Any]) -> Ensemble:
    if not all(isinstance(member, str) for member in listed(facts, "members")):
        raise ValueError("members are no texts")
    return Ensemble(
        members=tuple(facts["members"]),
        bins=int(facts["bins"]),
        complete=bool(facts["complete"]),
        tables=tuple(map(_table, listed(facts, "tables"))),
        curve=None if facts["curve"] is None else text_of(facts, "curve"),
        config=mapping(facts, "config"),
        provenance=mapping(facts, "provenance"),
    )


def _table(facts: Mapping[str, Any]) -> ScoreTable:
    return ScoreTable(
        split=text_of(facts, "split"),
        place=None if facts["place"] is None else float(facts["place"]),
        samples=int(facts["samples"]),
        predictions=int(facts["predictions"]),
        rows=tuple(map(_scores, listed(facts, "rows"))),
        differences=tuple(map(_difference, listed(facts, "differences"))),
    )


def _scores(facts: Mapping[str, Any]) -> Scores:
    known = {one.name for one in fields(Scores)}
    values: dict[str, Any] = {name: float(facts[name]) for name in known - {*TEXTS, "bins"}}
    values.update({name: text_of(facts, name) for name in TEXTS})
    values["not_finite"] = int(facts["not_finite"])
    values["bins"] = tuple((float(a), float(b), float(c)) for a, b, c in listed(facts, "bins"))
    return Scores(**values)


def _difference(facts: Mapping[str, Any]) -> Difference:
    row, minus, quantity = (text_of(facts, name) for name in ("row", "minus", "quantity"))
    return Difference(row, minus, quantity, float(facts["value"]), float(facts["stderr"]))
