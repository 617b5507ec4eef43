"""Exit codes and the one line that an error is."""

from __future__ import annotations

import sys
import traceback

import click

from landscape_cli.errors import LandscapeError


def run(command: click.Command, arguments: list[str]) -> int:
    """Run a click command and return its exit code: 0 done, 1 failed, 2 usage, 75 resumable."""
    debug = "--debug" in arguments
    try:
        code = command.main(arguments, prog_name="landscape", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        print("landscape: interrupted", file=sys.stderr)
        return 130
    except click.ClickException as error:
        _say(error.format_message(), debug)
        return 2
    except LandscapeError as error:
        _say(str(error), debug)
        return error.exit_code


def _say(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(f"landscape: {' '.join(message.split())}", file=sys.stderr, flush=True)
