"""Messages of a rank: to the user on standard error, and to a log file of its own.

``tell`` is for what a user should read at once; it goes to both. With ``--verbose``, the modules'
debug messages are also shown on rank 0 and written to each rank's log file.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from pathlib import Path

from landscape_cli.errors import UsageError, visible, visible_lines

OURS = logging.getLogger("landscape_cli")
PYTHON = logging.getLogger("py.warnings")

LOG_BEGIN = re.compile(rb"[-\d:, ]{1,40}([A-Z]+ |\Z)")
"""The beginning of each of our logs, time and level, or what a full disk took of it."""

_NULL = logging.NullHandler()
OURS.addHandler(_NULL)


def tell(text: str) -> None:
    """Print a message of one line to standard error and log it."""
    text = visible(text)
    print(text, file=sys.stderr, flush=True)
    OURS.info("%s", text)


def warn(text: str) -> None:
    """Tell the user about a problem that does not stop the run."""
    tell(f"warning: {text}")


def begin(rank: int, verbose: bool) -> None:
    """Show Python's warnings on rank 0, and debug messages too if ``verbose``.

    On other ranks, Python's warnings only go to the log file, if there is one.
    """
    end()
    OURS.propagate = PYTHON.propagate = False
    OURS.setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.captureWarnings(True)
    if rank == 0:
        PYTHON.addHandler(_WarningHandler())
        if verbose:
            OURS.addHandler(_DebugHandler())


def keep(folder: str, rank: int) -> None:
    """Log to ``rank-0003.log``, for rank 3, in a folder that is created if necessary.

    Raises:
        UsageError: if the file can't be written, or is there already and no log.
    """
    path = Path(folder, f"rank-{rank:04}.log").absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_log(path)
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"--log-dir: can't write {str(path)!r}: {error.strerror}; name another folder"
        ) from None
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    for logger in (OURS, PYTHON):
        logger.addHandler(handler)


def end() -> None:
    """Close the log file, and undo the changes that ``begin`` and ``keep`` made to logging."""
    logging.captureWarnings(False)
    for logger in (OURS, PYTHON):
        for handler in logger.handlers[:]:
            if isinstance(handler, (_StderrHandler, logging.FileHandler)):
                logger.removeHandler(handler)
                handler.close()
        logger.propagate = True
    OURS.setLevel(logging.NOTSET)


class _Formatter(logging.Formatter):
    """Escapes what is not seen, except the ends of lines, which tracebacks have."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines of a record."""
        return visible_lines(super().format(record))


def _check_log(path: Path) -> None:
    """Refuse to append to a file that is no log of ours.

    Raises:
        UsageError: if it is there, not empty, and does not begin like a log.
        OSError: if it can't be read.
    """
    if not path.exists():
        return
    if path.is_file():
        with path.open("rb") as file:
            begin = file.read(40)
        if not begin or LOG_BEGIN.match(begin):
            return
    raise UsageError(f"--log-dir: {str(path)!r} is there already and no log; name another folder")


class _LogFile(logging.FileHandler):
    """A log file; if its disk is full, says so once and goes on without it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Stop logging after an error of the file."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        for logger in (OURS, PYTHON):
            logger.removeHandler(self)
        self.close()
        print(
            f"warning: can't write {self.baseFilename!r} ({error.strerror}); it ends here",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Close the file, whether or not the rest of it can be written."""
        with contextlib.suppress(OSError):
            super().close()


class _StderrHandler(logging.Handler):
    """Writes to the current standard error, without garbling a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        from tqdm import tqdm

        tqdm.write(visible_lines(self.format(record)), file=sys.stderr)
        sys.stderr.flush()


class _DebugHandler(_StderrHandler):
    """Shows the messages that ``tell`` has not printed already."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < logging.INFO


class _WarningHandler(_StderrHandler):
    """Shows each of Python's warnings once, on one line."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        line = self.format(record)
        first = line not in self._shown
        self._shown.add(line)
        return first

    def format(self, record: logging.LogRecord) -> str:
        """Shorten Python's format, ``file:line: category: text`` and then the line of code."""
        text = record.getMessage()
        if match := re.match(r"(.*?:\d+): (\w+): (.*)", text, re.DOTALL):
            place, category, rest = match.groups()
            message = " ".join(rest.rpartition("\n  ")[0].split() or rest.split())
            return f"warning: {message} ({category} at {place})"
        return f"warning: {' '.join(text.split())}"
