"""Early stop of a run, at a time limit or on a signal."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from landscape_cli.parallel import last_words

SIGNALS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGTERM") if hasattr(signal, name))
"""Signals that ask a run to stop soon; a second one, or Ctrl-C, stops it at once."""

TWICE = 1.0
"""Seconds within which a rank that has a guardian takes two signals for one: some batch systems
signal both processes, and the guardian forwards its signal."""

_early: list[str] = []
"""Names of signals that arrived before there was a run to stop."""


def listen() -> None:
    """Remember SIGUSR1 from now on; by default it would kill a process that is still starting."""
    if hasattr(signal, "SIGUSR1"):
        _early.clear()
        signal.signal(signal.SIGUSR1, lambda number, frame: _early.append("SIGUSR1"))


def _same(last: float) -> bool:
    """Tell whether a signal is the same as one that came at this time."""
    return last_words.guarded() and time.monotonic() - last < TWICE


class Stop:
    """Decides when to stop handing out tiles.

    Args:
        seconds: time limit from now; None for no limit.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self.reason: str | None = None
        self.signals = 0
        self._signalled = float("-inf")
        self._woken = threading.Event()
        self._pipe: tuple[socket.socket, socket.socket] | None = None

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

        Only the main thread of a process can handle signals; in others they are left alone. Python
        calls a handler only between two bytecodes of the main thread, which may take for ever, but
        writes each signal's number to a pipe at once: ``wait`` reads it in another thread.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled, last = bool(_early), float("-inf")

        def handle(number: int, frame: FrameType | None) -> None:
            nonlocal handled, last
            if handled and not _same(last):
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            handled, last = True, time.monotonic()
            self.ask(signal.Signals(number).name)

        self._pipe = reader, writer = socket.socketpair()
        writer.setblocking(False)
        before = {number: signal.signal(number, handle) for number in SIGNALS}
        descriptor = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for name in _early:
            self.ask(name)
        try:
            yield
        finally:
            signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._pipe = None
            reader.close()
            writer.close()

    def wait(self, seconds: float) -> None:
        """Wait for some time, but only until a signal or ``wake``; called by one other thread.

        ``signals`` counts the signals that arrived.
        """
        if self._pipe is None:
            self._woken.wait(seconds)
            return
        reader, _ = self._pipe
        reader.settimeout(seconds)
        with suppress(TimeoutError):
            for number in reader.recv(1024):
                if number in SIGNALS:
                    self.signals += not _same(self._signalled)
                    self._signalled = time.monotonic()
                    self.ask(signal.Signals(number).name)

    def wake(self) -> None:
        """End a ``wait``."""
        self._woken.set()
        if self._pipe is not None:
            with suppress(OSError):
                self._pipe[1].send(b"\0")
