"""``landscape completion``: commands, options, kinds and file names, completed by the shell."""

from __future__ import annotations

import re
from typing import Any

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

from landscape_cli.cli.options import debug_option

EXAMPLES = """\b
Examples:
  eval "$(landscape completion bash)"                # in ~/.bashrc
  eval "$(landscape completion zsh)"                 # in ~/.zshrc, after compinit
  landscape completion fish > ~/.config/fish/completions/landscape.fish
"""

FILES = re.compile(r"FILE|PATH|PATTERN(?!,)|\.h5")
"""Words in the metavar of an option whose value is a file; arguments are files as a rule."""

FOLDERS = re.compile(r"DIR$|FOLDER")

OTHERS = ("options",)
"""Names of arguments that are no files."""


class PlaceName(StringParamType):
    """Text that names a file or folder, which the shell completes.

    Args:
        kind: ``file``, or ``dir`` for folders alone.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Leave it to the shell."""
        return [CompletionItem(incomplete, type=self._kind)]


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@debug_option
def command(shell: str) -> None:
    """Print the script by which SHELL completes commands, options, kinds and file names.

    The shell has to read it, as below; bash must be 4.4 or newer.
    """
    from landscape_cli.cli import cli

    print(script(cli, shell))


def complete_files(command: click.Command) -> click.Command:
    """Let the shell complete a command's files and folders."""
    for parameter in command.params:
        if isinstance(parameter.type, StringParamType) and (kind := _kind_of(parameter)):
            parameter.type = PlaceName(kind)
    return command


def script(cli: click.Command, shell: str) -> str:
    """Return the script that makes a shell complete the command line.

    Args:
        cli: the command line.
        shell: ``bash``, ``zsh`` or ``fish``.
    """
    from click.shell_completion import get_completion_class

    from landscape_cli.cli import COMPLETE

    found: Any = get_completion_class(shell)
    text: str = found(cli, {}, "landscape", COMPLETE).source()
    return text.strip()


def _kind_of(parameter: click.Parameter) -> str | None:
    words = str(parameter.metavar or parameter.name)
    if FOLDERS.search(words.upper()):
        return "dir"
    if isinstance(parameter, click.Argument):
        return None if parameter.name in OTHERS else "file"
    return "file" if FILES.search(words) else None
