"""Early stop of a run, at a time limit or on a signal."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGTERM") if hasattr(signal, name))
"""Signals that ask a run to stop soon; a second one, or Ctrl-C, stops it at once."""

_early: list[str] = []
"""Names of signals that arrived before there was a run to stop."""


def listen() -> None:
    """Remember SIGUSR1 from now on; by default it would kill a process that is still starting."""
    if hasattr(signal, "SIGUSR1"):
        _early.clear()
        signal.signal(signal.SIGUSR1, lambda number, frame: _early.append("SIGUSR1"))


class Stop:
    """Decides when to stop handing out tiles.

    Args:
        seconds: time limit from now; None for no limit.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self.reason: str | None = None

    def ask(self, reason: str) -> None:
        """Stop handing out tiles from now on; the first reason is kept."""
        self.reason = self.reason or reason

    @property
    def left(self) -> float:
        """Seconds that a tile may take: 0 once a stop was asked for, infinity without a limit."""
        if self.reason is not None:
            return 0.0
        return float("inf") if self._end is None else self._end - time.monotonic()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Stop on ``SIGNALS`` within a block, and restore their handlers afterwards.

        Only the main thread of a process can handle signals; in others they are left alone.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

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
