"""The command line: one file per command, imported only when the command is used."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import Any

import click

COMPLETE = "_LANDSCAPE_COMPLETE"
"""Environment variable by which a shell asks for completions, named as click expects it."""

COMMANDS = {
    "align": "landscape_cli.cli.commands.ensembles.align",
    "animate": "landscape_cli.cli.commands.animate",
    "average": "landscape_cli.cli.commands.ensembles.average",
    "completion": "landscape_cli.cli.shell.completion",
    "compute": "landscape_cli.cli.commands.compute",
    "connect": "landscape_cli.cli.commands.connect",
    "curvature": "landscape_cli.cli.commands.curvature",
    "describe": "landscape_cli.cli.commands.describe",
    "diffusion": "landscape_cli.cli.commands.dynamics.diffusion",
    "doctor": "landscape_cli.cli.commands.doctor",
    "ensemble": "landscape_cli.cli.commands.ensembles.ensemble",
    "export": "landscape_cli.cli.commands.export",
    "import": "landscape_cli.cli.commands.import_",
    "info": "landscape_cli.cli.commands.info",
    "merge": "landscape_cli.cli.commands.merge",
    "plot": "landscape_cli.cli.commands.plot",
    "probe": "landscape_cli.cli.commands.probe",
    "report": "landscape_cli.cli.commands.report",
    "sharpness": "landscape_cli.cli.commands.sharpness",
    "slurm": "landscape_cli.cli.commands.slurm",
    "trajectory": "landscape_cli.cli.commands.dynamics.trajectory",
}
"""The module of each command, which defines it as ``command``."""


class LazyGroup(click.Group):
    """A group that imports a command only when it is used, so that help is instant."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import and return the command with this name, or None."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[name]).command
        if context is not None and context.resilient_parsing:
            from landscape_cli.cli.shell.completion import complete_files

            return complete_files(command)
        return command

    def invoke(self, context: click.Context) -> Any:
        """Run a command; click would turn a broken pipe into an exit."""
        try:
            return super().invoke(context)
        except BrokenPipeError:
            from landscape_cli.cli.error_report import ReaderGoneError

            raise ReaderGoneError from None


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print versions and the device, and exit, if that is asked for."""
    if wanted and not context.resilient_parsing:
        from landscape_cli.cli.output import say
        from landscape_cli.cli.shell.version_report import version_lines

        say(*version_lines())
        context.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: landscape compute configs/digits_resnet44.yaml -o surface.h5",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the versions of landscape, Python, PyTorch and MPI, and the device, and exit.",
)
def cli() -> None:
    """See the loss landscape of a trained neural network.

    `landscape compute` evaluates the network on a line or plane through its parameters, in one
    process or on many MPI ranks, and writes one HDF5 file. `landscape plot` draws it.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line and exit with its exit code."""
    from landscape_cli.cli.error_report import run

    if isinstance(
        sys.stdout, io.TextIOWrapper
    ):  # as on stderr, show what an encoding lacks as \u03bb
        sys.stdout.reconfigure(errors="backslashreplace")
    if COMPLETE in os.environ:
        cli.main(prog_name="landscape")
    sys.exit(run(cli, sys.argv[1:] if arguments is None else arguments))
