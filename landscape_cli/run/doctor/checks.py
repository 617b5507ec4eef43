"""The result of a check, and the bounds that several checks share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "error"]

GIBIBYTE = 1 << 30

LEAST_FREE = GIBIBYTE
"""Free bytes of memory or disk below which a check warns."""


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Args:
        name: the subject, in a word or two.
        state: ``ok``, ``warning`` if a run still works, ``error`` if it can't.
        detail: the finding.
        remedy: advice; empty if there is nothing to do.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""
