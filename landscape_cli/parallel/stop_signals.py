"""Stopping early: at a time limit, or because a signal asks for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGTERM") if hasattr(signal, name))
"""What asks a run to stop soon; the same or Ctrl-C a second time stops it at once."""


_early: list[str] = []
"""The names of signals that came before there was a run to stop."""


def listen() -> None:
    """Note SIGUSR1 from now on; without this it would end a process that still starts."""
    if hasattr(signal, "SIGUSR1"):
        _early.clear()
        signal.signal(signal.SIGUSR1, lambda number, frame: _early.append("SIGUSR1"))


class Stop:
    """When to hand out no more tiles.

    Args:
        seconds: how long from now tiles may take; None for as long as they like.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self.reason: str | None = None

    def ask(self, reason: str) -> None:
        """Hand out no more from now on; the first reason stands."""
        self.reason = self.reason or reason

    @property
    def left(self) -> float:
        """How many seconds a tile may take: none once it was asked to stop."""
        if self.reason is not None:
            return 0.0
        return float("inf") if self._end is None else self._end - time.monotonic()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Let the signals ask; what they did before is restored at the end."""

        def handle(number: int, frame: FrameType | None) -> None:
            if self.reason is not None:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            self.ask(signal.Signals(number).name)

        before = {number: signal.signal(number, handle) for number in SIGNALS}
        for name in _early:
            self.ask(name)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
