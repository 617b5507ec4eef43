"""Sharpness files: JSON, written whole.

    {"format": "loss-landscape-sharpness", "format_version": 1, "complete": true,
     "parameters": 4, "loss": 0.9, "gradient_norm": 0.1, "weight_norm": 1.2,
     "entries": [{"measure": "sam", "radius": 0.05, "value": 0.01, ...}], "config": {...},
     "provenance": {...}}

Numbers that are not finite are the texts "nan", "inf" and "-inf".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from landscape_cli.records.sharpness import Sharpness, SharpnessEntry
from landscape_cli.store.atomic_write import Check, unchecked
from landscape_cli.store.reports.json_report import Report, listed, mapping, plain, text_of

REPORT = Report("loss-landscape-sharpness", 1, "sharpness file")

NUMBERS = ("loss", "gradient_norm", "weight_norm")
OPTIONAL = ("stderr", "length")
TEXTS = ("measure", "title", "definition", "source", "symbol", "note")


def sharpness_facts(record: Sharpness) -> dict[str, Any]:
    """Return a record as plain values, as its file has them."""
    facts = asdict(record)
    entries, config, provenance = (facts.pop(k) for k in ("entries", "config", "provenance"))
    head = {**REPORT.head(), "complete": facts.pop("complete")}
    whole = {**head, **facts, "entries": list(entries), "config": config, "provenance": provenance}
    found: dict[str, Any] = plain(whole)
    return found


def write_sharpness(path: Path, record: Sharpness, check: Check = unchecked) -> None:
    """Write a sharpness file, and replace an earlier one in one step.

    Raises:
        StoreError: if the file can't be written.
    """
    REPORT.write(path, sharpness_facts(record), check)


def read_sharpness(path: str | os.PathLike[str], key: str = "FILE") -> Sharpness:
    """Read a sharpness file.

    Args:
        path: the file.
        key: the option that names it, for messages.

    Raises:
        StoreError: if it is missing, damaged, another file, or of a later version.
    """
    return REPORT.read(path, key, _record)


def _record(facts: Mapping[str, Any]) -> Sharpness:
    return Sharpness(
        parameters=int(facts["parameters"]),
        complete=bool(facts["complete"]),
        entries=tuple(map(_entry, listed(facts, "entries"))),
        config=mapping(facts, "config"),
        provenance=mapping(facts, "provenance"),
        **{name: float(facts[name]) for name in NUMBERS},
    )


def _entry(facts: Mapping[str, Any]) -> SharpnessEntry:
    known = {one.name for one in fields(SharpnessEntry)}
    values: dict[str, Any] = {name: facts[name] for name in known}
    values.update({name: text_of(values, name) for name in TEXTS})
    for name in OPTIONAL:
        values[name] = None if values[name] is None else float(values[name])
    numbers = {name: float(values[name]) for name in ("radius", "value", "seconds")}
    return SharpnessEntry(**{**values, **numbers, "passes": int(values["passes"])})
