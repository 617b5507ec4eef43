"""The exceptions a user can cause: one line each, saying what was given and what to do."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Sequence

SHOWN = 4
"""How many names a message gives as examples."""


class LandscapeError(Exception):
    """Base of every error that a user can cause.

    The message is one line: it names the argument or key, the value received and the remedy.
    Names and values come from files, so line breaks and what else can't be printed are escaped.
    The command line prints it without a traceback and exits with ``exit_code``. ``collective``
    says that every rank of the run knows of it and ends by itself.
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
    """What was computed could not be written where it belongs."""

    exit_code = 1


class LostLockError(LandscapeError):
    """Another run has taken over the output of this one."""

    exit_code = 1


class RankError(RuntimeError):
    """A failure on some rank while it computed a tile; the message holds its traceback."""


def one_line(text: str) -> str:
    r"""A text as one line that any terminal can show.

    Lines are joined by spaces; other characters that can't be printed (control sequences, bytes
    of a file's name that are no text) are written as Python would, ``\x1b``.
    """
    joined = " ".join(filter(None, map(str.strip, text.splitlines())))
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in joined
    )


def some(names: Sequence[object]) -> str:
    """The first few names of a list that may be long, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(str(name) for name in names[:SHOWN]) + more


def cause(error: BaseException) -> str:
    """Somebody else's exception in one line, with the place in their code where it arose."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    machinery = (importlib.__file__, "<frozen")
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(machinery)
    ]
    return f"{text} ({frames[-1].filename}:{frames[-1].lineno})" if len(frames) > 1 else text
