"""What a check found, and the bounds by which that is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "error"]

GIBIBYTE = 1 << 30

LEAST_FREE = GIBIBYTE
"""Free bytes below which memory and disk are warned of."""


@dataclass(frozen=True)
class Check:
    """What was looked at and found.

    Args:
        name: what, in a word.
        state: ``ok``, ``warning`` for what a run can do with, ``error`` for what it can't.
        detail: what was found.
        remedy: what to do about it; empty if nothing is.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""
