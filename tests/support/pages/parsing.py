"""Commands of pages that are not run: their options must still exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from collections.abc import Iterator

import click

from landscape_cli.cli import cli
from support.pages.blocks import ROOT

LAUNCHER = re.compile(r"(?:mpiexec|mpirun|srun) -n \d+ ")
SCRIPT = re.compile(r"python (?:\.\./)?(scripts/\S+\.py)")


def parse(command: str) -> int:
    """Parse the parts of a shell command that are ours, and return their number.

    Raises:
        click.ClickException: if an option does not exist or an argument is missing.
    """
    return sum(_parse(words) for words in _simple(command))


def _simple(command: str) -> Iterator[list[str]]:
    """Divide a shell text into commands without launchers, redirections and loops."""
    for line in re.split(r"\n|(?<!\w)\||;", command.replace("\\\n", " ")):
        words = shlex.split(LAUNCHER.sub("", line.strip()), comments=True)
        if ">" in words:
            words = words[: words.index(">")]
        if words:
            yield words


def _parse(words: list[str]) -> bool:
    script = SCRIPT.fullmatch(" ".join(words[:2]))
    if words[0] == "landscape":
        with click.Context(cli) as context:
            found = cli.get_command(context, words[1])
        assert found is not None, f"there is no command {words[1]}"
        found.make_context(words[1], words[2:])
        if words[1] == "slurm" and "--" in words:
            inner = words[words.index("--") + 1 :]
            with click.Context(cli) as context:
                cli.get_command(context, "compute").make_context("compute", ["c.yaml", *inner])
    elif script:
        _command(script[1]).make_context(words[1], words[2:])
    return words[0] == "landscape" or script is not None


def _command(script: str) -> click.Command:
    """Import a script's command."""
    path = ROOT / script
    spec = importlib.util.spec_from_file_location(f"page_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
        del sys.modules[spec.name]
    return module.command
