"""Exit codes, and errors reported in one line."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import traceback

import click

from landscape_cli.errors import LandscapeError, RankError, cause, one_line, visible_lines
from landscape_cli.parallel.abort import end_ranks, running_mpi
from landscape_cli.parallel.launcher import launched_rank
from landscape_cli.util import logs

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_RESUMABLE = 75
EXIT_INTERRUPTED = 130


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a file system that takes no more."""


class ReaderGoneError(Exception):
    """The reader of the output, such as `head`, has closed the pipe."""


def run(command: click.Command, arguments: list[str]) -> int:
    """Run a click command and return its exit code.

    An error that a user can cause is reported in one line, by rank 0 alone if a launcher started
    several ranks. Any other exception is reported with its traceback and ends every rank at once.

    Returns:
        0 done, 1 failed, 2 usage, 75 stopped early and resumable, 130 interrupted.
    """
    debug = "--debug" in arguments
    try:
        code = command.main(arguments, prog_name="landscape", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _report("interrupted; the same command continues the run", debug)
        return _end_ranks(EXIT_INTERRUPTED)
    except click.ClickException as error:
        _report(error.format_message(), debug)
        return EXIT_USAGE
    except LandscapeError as error:
        if str(error):
            _report(str(error), debug)
        return error.exit_code if error.collective else _end_ranks(error.exit_code)
    except ReaderGoneError:
        sys.stderr.close()
        return EXIT_FAILED
    except OSError as error:
        if error.errno not in FULL:
            _report_traceback(error)
            return _end_ranks(EXIT_FAILED)
        _discard_output()
        _report(f"can't write the output or a file: {cause(error)}", debug)
        return _end_ranks(EXIT_USAGE)
    except (Exception, SystemExit) as error:
        _report_traceback(error)
        return _end_ranks(EXIT_FAILED)
    finally:
        logs.end()


def run_script(command: click.Command, name: str) -> int:
    """Run the click command of a script, in one process, and return its exit code.

    Errors that a user can cause, including files that can't be written, are reported in one line.

    Args:
        command: the command.
        name: the script's name, for messages.
    """
    try:
        command.main(prog_name=name, standalone_mode=False)
        return 0
    except click.Abort:
        message, code = "interrupted", EXIT_INTERRUPTED
    except click.ClickException as error:
        message, code = error.format_message(), EXIT_USAGE
    except (LandscapeError, OSError) as error:
        message, code = str(error), EXIT_USAGE
    click.echo(f"{name}: {one_line(message)}", err=True)
    return code


def _report(message: str, debug: bool) -> None:
    message = f"landscape: {one_line(message)}"
    logs.OURS.error("%s", message, exc_info=True)
    if launched_rank() not in (None, 0):
        return
    if debug:
        print(visible_lines(traceback.format_exc()), file=sys.stderr)
    print(message, file=sys.stderr, flush=True)


def _discard_output() -> None:
    """Discard what standard output does not take, so that Python does not try again at the end."""
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report_traceback(error: BaseException) -> None:
    """Report an unexpected error; one from a worker carries its own traceback."""
    if isinstance(error, RankError):
        text = f"landscape: {error}"
    else:
        text = _rank_and_host() + "".join(traceback.format_exception(error)).rstrip()
    logs.OURS.error("%s", text)
    print(visible_lines(text), file=sys.stderr, flush=True)


def _rank_and_host() -> str:
    """Return this process's rank and host, or nothing if MPI is not running."""
    mpi = running_mpi()
    return f"rank {mpi.COMM_WORLD.Get_rank()} on {socket.gethostname()}:\n" if mpi else ""


def _end_ranks(code: int) -> int:
    """End the other ranks of an MPI job, if this process belongs to one, and return the code."""
    end_ranks(code)
    return code
