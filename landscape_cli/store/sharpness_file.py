"""Sharpness files: JSON, written whole.

    {"format": "loss-landscape-sharpness", "format_version": 1, "complete": true,
     "parameters": 4, "loss": 0.9, "gradient_norm": 0.1, "weight_norm": 1.2,
     "entries": [{"measure": "sam", "radius": 0.05, "value": 0.01, ...}], "config": {...},
     "provenance": {...}}

Numbers that are not finite are the texts "nan", "inf" and "-inf".
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from landscape_cli.errors import StoreError
from landscape_cli.records.sharpness import Sharpness, SharpnessEntry
from landscape_cli.store.atomic_write import Check, publish_text, unchecked
from landscape_cli.store.hdf5.json_text import load_json

FORMAT = "loss-landscape-sharpness"
FORMAT_VERSION = 1

NUMBERS = ("loss", "gradient_norm", "weight_norm")
OPTIONAL = ("stderr", "length")
TEXTS = ("measure", "title", "definition", "source", "symbol", "note")


def sharpness_facts(record: Sharpness) -> dict[str, Any]:
    """Return a record as plain values, as its file has them."""
    facts = asdict(record)
    entries, config, provenance = (facts.pop(k) for k in ("entries", "config", "provenance"))
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "complete": facts.pop("complete")}
    whole = {**head, **facts, "entries": list(entries), "config": config, "provenance": provenance}
    plain: dict[str, Any] = _plain(whole)
    return plain


def write_sharpness(path: Path, record: Sharpness, check: Check = unchecked) -> None:
    """Write a sharpness file, and replace an earlier one in one step.

    Raises:
        StoreError: if the file can't be written.
    """
    text = json.dumps(sharpness_facts(record), indent=1, default=str, allow_nan=False)
    publish_text(path, f"{text}\n", check)


def read_sharpness(path: str | os.PathLike[str], key: str = "FILE") -> Sharpness:
    """Read a sharpness file.

    Args:
        path: the file.
        key: the option that names it, for messages.

    Raises:
        StoreError: if it is missing, damaged, another file, or of a later version.
    """
    try:
        facts = load_json(Path(path).read_text(encoding="utf-8"))
        if not isinstance(facts, Mapping) or facts.get("format") != FORMAT:
            raise ValueError("it has no such format")
        if facts["format_version"] != FORMAT_VERSION:
            raise StoreError(
                f"{key}: {os.fspath(path)!r} has format_version {facts['format_version']!r}, and "
                f"this program reads {FORMAT_VERSION}; update it, or name another file"
            )
        return _record(facts)
    except OSError as error:
        raise StoreError(
            f"{key}: can't read {os.fspath(path)!r} ({error.strerror or error}); name another file"
        ) from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        words = f"no {error} in it" if isinstance(error, KeyError) else str(error)
        raise StoreError(
            f"{key}: {os.fspath(path)!r} is no sharpness file ({' '.join(words.split())[:100]}); "
            "name another file, or remove it"
        ) from None


def _record(facts: Mapping[str, Any]) -> Sharpness:
    for name in ("config", "provenance"):
        if not isinstance(facts[name], Mapping):
            raise ValueError(f"{name} is no mapping")
    if not isinstance(facts["entries"], list):
        raise ValueError("entries are no list")
    return Sharpness(
        parameters=int(facts["parameters"]),
        complete=bool(facts["complete"]),
        entries=tuple(map(_entry, facts["entries"])),
        config=facts["config"],
        provenance=facts["provenance"],
        **{name: float(facts[name]) for name in NUMBERS},
    )


def _entry(facts: Mapping[str, Any]) -> SharpnessEntry:
    known = {one.name for one in fields(SharpnessEntry)}
    values: dict[str, Any] = {name: facts[name] for name in known}
    for name in TEXTS:
        if not isinstance(values[name], str):
            raise ValueError(f"{name} is no text")
    for name in OPTIONAL:
        values[name] = None if values[name] is None else float(values[name])
    numbers = {name: float(values[name]) for name in ("radius", "value", "seconds")}
    return SharpnessEntry(**{**values, **numbers, "passes": int(values["passes"])})


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
