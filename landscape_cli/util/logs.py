"""What a rank says: to the user on standard error, and more of it in a log of its own.

``tell`` is for what a user should read at once. What modules say to their loggers at debug level is
shown with ``--verbose`` on rank 0; a rank's log, if there is one, takes both.
"""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path

from landscape_cli.errors import UsageError

OURS = logging.getLogger("landscape_cli")
PYTHON = logging.getLogger("py.warnings")

_NULL = logging.NullHandler()
OURS.addHandler(_NULL)


def tell(text: str) -> None:
    """Say something on standard error, and in the log."""
    print(text, file=sys.stderr, flush=True)
    OURS.info("%s", text)


def warn(text: str) -> None:
    """Say on standard error what a user should know but nothing stops for."""
    tell(f"warning: {text}")


def begin(rank: int, verbose: bool) -> None:
    """Show Python's warnings, and with ``verbose`` what modules say in detail, on rank 0 alone.

    On other ranks Python's warnings go into the log, if there is one, and nowhere else.
    """
    end()
    OURS.propagate = PYTHON.propagate = False
    OURS.setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.captureWarnings(True)
    if rank == 0:
        PYTHON.addHandler(_Warnings())
        if verbose:
            OURS.addHandler(_Details())


def keep(folder: str, rank: int) -> None:
    """Write ``rank-0003.log`` in a folder from now on, which is made if need be.

    Raises:
        UsageError: if that can't be written.
    """
    path = Path(folder, f"rank-{rank:04}.log").absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--log-dir: can't write {str(path)!r}: {error.strerror}; name another folder"
        ) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    for logger in (OURS, PYTHON):
        logger.addHandler(handler)


def end() -> None:
    """Close what was begun, and leave logging as it was."""
    logging.captureWarnings(False)
    for logger in (OURS, PYTHON):
        for handler in logger.handlers[:]:
            if isinstance(handler, (_Told, logging.FileHandler)):
                logger.removeHandler(handler)
                handler.close()
        logger.propagate = True
    OURS.setLevel(logging.NOTSET)


class _Told(logging.Handler):
    """Shows records on what is standard error at the time, beside a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        tqdm.write(self.format(record), file=sys.stderr)
        sys.stderr.flush()


class _Details(_Told):
    """Shows what is not told anyway."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < logging.INFO


class _Warnings(_Told):
    """Shows each of Python's warnings once, in one line."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        line = self.format(record)
        first = line not in self._shown
        self._shown.add(line)
        return first

    def format(self, record: logging.LogRecord) -> str:
        """Python's own form is ``file:line: category: text`` and then the line of code."""
        text = record.getMessage()
        if found := re.match(r"(.*?:\d+): (\w+): (.*)", text, re.DOTALL):
            place, category, rest = found.groups()
            message = " ".join(rest.rpartition("\n  ")[0].split() or rest.split())
            return f"warning: {message} ({category} at {place})"
        return f"warning: {' '.join(text.split())}"
