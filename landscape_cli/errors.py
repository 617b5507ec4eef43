"""Exceptions for errors that a user can cause: one line with the value received and the remedy."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Sequence

SHOWN = 4
"""Largest number of names that a message lists."""


class LandscapeError(Exception):
    """Base of every error that a user can cause.

    The message is one line that names the argument or key, the value received and the remedy. Names
    and values may come from files, so the message is passed through ``one_line``. The command line
    prints it without a traceback and exits with ``exit_code``. ``collective`` is true if every rank
    knows of the error and ends by itself.
    """

    exit_code = 2
    collective = False

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(message))


class UsageError(LandscapeError):
    """An option, configuration key or argument has a value that makes no sense."""


class ProblemError(LandscapeError):
    """The user's problem can't be imported, built or evaluated."""


class CheckpointError(LandscapeError):
    """A checkpoint is missing, unreadable or does not fit the model."""


class StoreError(LandscapeError):
    """A surface file can't be read or written, or is not one of ours."""


class PublishError(StoreError):
    """Computed values could not be written to the output file."""

    exit_code = 1


class LostLockError(LandscapeError):
    """Another run has taken over the output of this run."""

    exit_code = 1


class RankError(RuntimeError):
    """A failure on some rank while computing a tile; the message contains its traceback."""


def one_line(text: str) -> str:
    r"""Return a text as one line that any terminal can display.

    Lines are joined by spaces; other unprintable characters (control sequences, undecodable bytes
    of file names) are escaped as Python does, such as ``\x1b``.
    """
    return visible(" ".join(filter(None, map(str.strip, text.splitlines()))))


def visible(text: str) -> str:
    r"""Return a text in which every character that is not seen is escaped, as Python does.

    These are control sequences, line breaks, marks that reverse the direction of text, characters
    of no width and undecodable bytes of file names. Names from files are shown in this way
    wherever they are printed.

    Example:
        >>> print(visible("a\x1b[2Jb\n\u202ec"))
        a\x1b[2Jb\n\u202ec
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def visible_lines(text: str) -> str:
    """Return a text of several lines with the other characters escaped that are not seen."""
    return "\n".join(map(visible, text.split("\n")))


def some(names: Sequence[object]) -> str:
    """List the first few names, and the number of the remaining ones."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(str(name) for name in names[:SHOWN]) + more


def cause(error: BaseException) -> str:
    """Describe an exception from other code in one line, with the file and line that raised it."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    import_machinery = (importlib.__file__, "<frozen")
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(import_machinery)
    ]
    return f"{text} ({frames[-1].filename}:{frames[-1].lineno})" if len(frames) > 1 else text
