"""The work of a rank, and its duration: written by the main thread, read by the watch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from landscape_cli.parallel import last_words


@dataclass(frozen=True)
class Report:
    """The words of a rank's watch on its rank.

    Args:
        rank: the rank.
        host: its host.
        what: what it is doing, such as ``at (0.5, -1)``; empty if it waits for other ranks.
        seconds: for how long.
        stop: the signal that asked this rank to stop, or None.
        leaving: how the rank is about to end without the others; empty if it is not.
    """

    rank: int
    host: str
    what: str
    seconds: float
    stop: str | None = None
    leaving: str = ""


class Activity:
    """The work that this rank's main thread is doing."""

    def __init__(self) -> None:
        self._what: str | Callable[[], str] = ""
        self._begun = time.monotonic()
        self._seen = ("", self._begun)
        self._since = self._begun

    def begin(self, what: str | Callable[[], str]) -> None:
        """Begin something; while a function's text stays the same, the rank stands still."""
        self._begun, self._what = time.monotonic(), what
        last_words.say(what=what if isinstance(what, str) else what())

    def rest(self) -> None:
        """Begin to wait for other ranks, which is not standing still."""
        self.begin("")

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Wait for other ranks during the block."""
        with self.doing(""):
            yield

    @contextmanager
    def doing(self, what: str | Callable[[], str]) -> Iterator[None]:
        """Do something during the block, and then what was done before."""
        before = self._what
        self.begin(what)
        try:
            yield
        finally:
            self.begin(before)

    def look(self) -> tuple[str, float]:
        """Return what is being done, and the seconds for which that has not changed."""
        what, begun = self._what, self._begun
        text = what if isinstance(what, str) else what()
        if (text, begun) != self._seen:
            self._since = begun if begun != self._seen[1] else time.monotonic()
            self._seen = text, begun
        return text, time.monotonic() - self._since
