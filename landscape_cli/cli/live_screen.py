"""Terminal output that is redrawn in place."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

import click

from landscape_cli.cli.error_report import EXIT_INTERRUPTED

ENTER, LEAVE = "\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h"
"""Terminal codes that hide the cursor and stop wrapping long lines, and undo both."""


@contextmanager
def exit_quietly_on_interrupt() -> Iterator[None]:
    """Turn Ctrl-C into the exit code of an interrupted program, without a message."""
    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from None


class LiveScreen:
    """Lines that replace those shown before; without a terminal they are appended.

    Args:
        stream: the output; standard output if None.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self.live = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._height = 0

    def __enter__(self) -> LiveScreen:
        self._write(ENTER if self.live else "")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._write(LEAVE if self.live else "")

    def show(self, lines: Sequence[str]) -> None:
        """Show lines in place of the previous ones, cut to the terminal's height."""
        if not self.live:
            self._write("".join(f"{line}\n" for line in lines))
            return
        lines = lines[: max(1, _rows(self._stream) - 1)]
        cursor_up = f"\x1b[{self._height}A" if self._height else ""
        self._write("\r" + cursor_up + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        self._height = len(lines)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def _rows(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).lines or 24
    except (OSError, ValueError):
        return 24
