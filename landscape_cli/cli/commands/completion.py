"""``landscape completion``: print the script by which a shell completes the command line."""

from __future__ import annotations

import click

from landscape_cli.cli.options import debug_option

EXAMPLES = """\b
Examples:
  eval "$(landscape completion bash)"                # in ~/.bashrc
  eval "$(landscape completion zsh)"                 # in ~/.zshrc, after compinit
  landscape completion fish > ~/.config/fish/completions/landscape.fish
"""


@click.command(epilog=EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@debug_option
def command(shell: str) -> None:
    """Print the script by which SHELL completes commands, options, kinds and file names.

    The shell has to read it, as below; bash must be 4.4 or newer.
    """
    from landscape_cli.cli import cli
    from landscape_cli.cli.completion import script

    print(script(cli, shell))
