"""Lengths of time as people and batch systems write them."""

from __future__ import annotations

import re

from landscape_cli.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_IN_UNITS = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_CLOCK = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d{1,2})")


def parse_duration(text: str) -> float:
    """Seconds of a time such as ``55m``, ``1h30m``, ``90s``, ``1:30:00`` or ``2-12:00:00``.

    With colons it is read as Slurm does: ``MINUTES:SECONDS``, ``HOURS:MINUTES:SECONDS``, days in
    front of a dash.

    Raises:
        UsageError: if it has another form, or is no time at all.
    """
    words = text.strip().lower()
    parts = _IN_UNITS.findall(words)
    seconds = 0.0
    if parts and "".join(number + unit for number, unit in parts) == words:
        seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    elif match := _CLOCK.fullmatch(words):
        days, hours, minutes, rest = (int(part or 0) for part in match.groups())
        seconds = 86400.0 * days + 3600 * hours + 60 * minutes + rest
    if seconds <= 0:
        raise UsageError(f"got {text!r}, expected a time such as 55m, 1h30m or 1:30:00")
    return seconds


def format_duration(seconds: float) -> str:
    """Seconds as ``H:MM:SS``, which ``parse_duration`` and Slurm read; days in front of a dash."""
    days, rest = divmod(round(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{days}-{clock.zfill(8)}" if days else clock
