"""Durations in the forms that users and batch systems write."""

from __future__ import annotations

import re

from landscape_cli.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_IN_UNITS = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_CLOCK = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d{1,2})")


def parse_duration(text: str) -> float:
    """Return the seconds in a time such as ``55m``, ``1h30m``, ``1:30:00`` or ``2-12:00:00``.

    With colons, the format is Slurm's: ``MINUTES:SECONDS`` or ``HOURS:MINUTES:SECONDS``, after days
    and a dash if there are days.

    Raises:
        UsageError: if it has another form, or is zero.
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
    """Format seconds as ``H:MM:SS`` or ``D-HH:MM:SS``, for ``parse_duration`` and Slurm."""
    days, rest = divmod(round(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{days}-{clock.zfill(8)}" if days else clock


def short_duration(seconds: float) -> str:
    """Return a duration as "42 s" below a minute, and in hours, minutes and seconds above."""
    return f"{seconds:.0f} s" if round(seconds) < 60 else format_duration(seconds)
