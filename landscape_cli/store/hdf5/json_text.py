"""JSON from files that may be foreign or damaged, within limits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

MOST_CHARACTERS = 1 << 26
"""Upper bound on the length of a text."""

DEEPEST = 100
"""Upper bound on how deeply lists and mappings may be nested, as in YAML."""


def load_json(text: str) -> Any:
    """Read JSON.

    Raises:
        ValueError: if it is malformed, longer or nested more deeply than this program writes it.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"JSON of {len(text)} characters, more than {MOST_CHARACTERS}")
    try:
        value = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        level = [
            inner for one in level for inner in _members(one) if isinstance(inner, dict | list)
        ]
        if not level:
            return value
    raise _too_deep()


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> ValueError:
    return ValueError(f"JSON that is nested more than {DEEPEST} times")
