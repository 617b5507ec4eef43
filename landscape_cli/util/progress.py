"""Progress of long operations: a bar on a terminal, occasional plain lines in a log file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

from landscape_cli.errors import visible
from landscape_cli.util.logs import tell

LOG_SECONDS = 30.0
"""Least time between two plain lines, in seconds."""

REFRESH_SECONDS = 0.2
"""Least time between two notes on the bar, in seconds."""


class Progress:
    """Counts finished units of work and shows them on standard error.

    On a terminal this is a tqdm bar; elsewhere, plain lines with done/total, rate and ETA about
    every 30 s and at the end. Use it as a context manager.

    Args:
        total: number of units.
        label: the operation, such as "surface.h5".
        unit: name of one unit in the singular, such as "point".
        done: units finished earlier, which do not count towards the rate.
        quiet: show nothing.
        terminal: whether standard error is a terminal; detected if None.
        remark: returns a text to append to periodic lines that have no note.
    """

    def __init__(
        self,
        total: int,
        label: str,
        unit: str = "point",
        done: int = 0,
        quiet: bool = False,
        terminal: bool | None = None,
        remark: Callable[[], str] = str,
    ) -> None:
        self.total, self.label, self.unit, self.done = total, visible(label), unit, done
        self._first = done
        self._remark = remark
        self._start = self._shown = self._touched = time.monotonic()
        if terminal is None:
            terminal = sys.stderr.isatty()
        self._log = not quiet and not terminal
        self._bar = tqdm(
            total=total,
            initial=done,
            desc=self.label,
            unit=unit,
            disable=quiet or self._log,
            dynamic_ncols=_has_size(),
            ncols=None if _has_size() else 80,
            nrows=None if _has_size() else 24,
            smoothing=0.1,
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
        if self._log and error is None:
            self._print()

    def update(self, units: int = 1, note: str = "") -> None:
        """Count more units as finished, and show a note such as "loss 0.31" after the count."""
        self.done += units
        if note:
            self._bar.set_postfix_str(visible(note), refresh=False)
        self._bar.update(units)
        if self._log and time.monotonic() - self._shown >= LOG_SECONDS:
            self._print(note or self._remark())

    def within(self, note: str) -> None:
        """Show how far the current unit is, such as "product 12 of 40"."""
        if self._log:
            if time.monotonic() - self._shown >= LOG_SECONDS:
                self._print(note)
        elif not self._bar.disable and time.monotonic() - self._touched >= REFRESH_SECONDS:
            self._touched = time.monotonic()
            self._bar.set_postfix_str(visible(note))

    def _print(self, note: str = "") -> None:
        self._shown = time.monotonic()
        seconds = self._shown - self._start
        rate = (self.done - self._first) / seconds if seconds > 0 else 0.0
        left = (self.total - self.done) / rate if rate > 0 else float("inf")
        eta = "unknown" if left == float("inf") else tqdm.format_interval(left)
        line = (
            f"{self.label}: {self.done}/{self.total} {self.unit}s, {rate:.3g} {self.unit}/s, "
            f"elapsed {tqdm.format_interval(seconds)}, ETA {eta}"
        )
        tell(f"{line}, {note}" if note else line)


def _has_size() -> bool:
    """Return True if standard error is a terminal that reports its size."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError, AttributeError):
        return False
