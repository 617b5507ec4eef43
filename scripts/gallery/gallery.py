"""Make the pictures of docs/gallery.md with the commands shown on that page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
from chromium import NoBrowserError, screenshot
from images import keep, write
from page import FOLDER, Block, read, renewed
from terminal import cells, draw, printed

from landscape_cli.cli.error_report import run_script
from landscape_cli.errors import LandscapeError

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "gallery.md"
MADE = ROOT / "runs" / "gallery"
"""Folder that the commands write to."""

CLONE = "/home/you/landscape"
"""Project folder in the outputs shown on the page."""

STOPPED, INTERRUPTED = 75, 130
"""Exit codes of a run stopped by its time limit, and of watching stopped by Ctrl-C."""

FINISHED = re.compile(r"(?:-o |checkpoint=)(\S+\.(?:h5|pt))")


def is_done(command: str, root: Path = ROOT) -> bool:
    """Tell whether a command can be skipped because its file exists.

    ``landscape compute`` is always run: it leaves a complete file alone and continues an incomplete
    one. With a time limit it is skipped too, since the file is meant to stay incomplete.
    """
    resumes = "landscape compute" in command and "--time-limit" not in command
    output = FINISHED.search(command)
    return not resumes and output is not None and (root / output[1]).exists()


def environment() -> dict[str, str]:
    """Return an environment in which the shell finds this Python's programs and this clone."""
    paths = {"PATH": Path(sys.executable).parent, "PYTHONPATH": ROOT}
    joined = {
        name: os.pathsep.join(filter(None, [str(first), os.environ.get(name)]))
        for name, first in paths.items()
    }
    return {**os.environ, **joined}


def run(command: str) -> str:
    """Run a command, show its output, and return the output as the page shows it.

    Raises:
        LandscapeError: if the command fails.
    """
    click.secho(f"$ {command}", bold=True)
    lines = []
    with subprocess.Popen(
        ["bash", "-ec", command],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            click.echo(line, nl=False)
            lines.append(line)
    _check(command, process.returncode, STOPPED if "--time-limit" in command else 0)
    return "".join(lines).replace(str(ROOT), CLONE)


def _check(command: str, code: int, allowed: int) -> None:
    if code not in (0, allowed):
        raise LandscapeError(f"ended with {code}: {command}")


def shoot(command: str) -> str:
    """Run a command in a terminal, and return its output with colour codes."""
    click.secho(f"$ {command}", bold=True)
    text, code = printed(command, environment(), ROOT)
    if code not in (0, INTERRUPTED):
        click.echo(text, err=True)
    _check(command, code, INTERRUPTED)
    return text.replace(str(ROOT), CLONE)


def make_image(name: str, block: Block) -> None:
    """Make a picture of the page from the output of the block above it.

    The picture is the PNG file that the block's commands write, a screenshot of the HTML page that
    they write, or else a picture of what they print in a terminal.

    Args:
        name: the name of the picture's file.
        block: the commands.
    """
    source, target = MADE / name, PAGE.parent / FOLDER / name
    text = "\n".join(block.commands)
    if source.name in text:
        keep(source, target)
    elif (page := source.with_suffix(".html")).name in text:
        try:
            screenshot(page, source)
        except NoBrowserError as error:
            click.echo(f"unchanged: {target} ({error})", err=True)
            return
        keep(source, target, legible=True)
    else:
        write(draw(cells("\n".join(map(shoot, block.commands)))), target)
    click.echo(f"wrote {target} ({target.stat().st_size / 1000:.0f} kB)")


def in_a_terminal(block: Block) -> bool:
    """Tell whether a block's picture shows what the block prints."""
    text = "\n".join(block.commands)
    return bool(block.images) and not any(Path(name).stem + "." in text for name in block.images)


def make(page: list[Block], wanted: Callable[[Block], bool]) -> dict[str, str]:
    """Run the commands of the wanted blocks and make their pictures.

    Returns:
        The output of each command that was run.
    """
    outputs = {}
    for block in filter(wanted, page):
        for command in block.commands:
            if is_done(command):
                click.echo(f"already done: {command}")
            elif not in_a_terminal(block):
                outputs[command] = run(command)
        for name in block.images:
            make_image(name, block)
    return outputs


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("images", nargs=-1)
def command(images: tuple[str, ...]) -> None:
    """Make the pictures of docs/gallery.md, or only some IMAGES such as heatmap.png.

    The page's commands compute their files only once, in runs. Where the page shows a command's
    output, the output is updated.
    """
    page = read(PAGE)
    known = [name for block in page for name in block.images]
    if unknown := sorted({*images} - {*known}):
        raise click.UsageError(f"{', '.join(unknown)}: not among {', '.join(known)}")
    MADE.mkdir(parents=True, exist_ok=True)
    outputs = make(page, lambda block: not images or not {*images}.isdisjoint(block.images))
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(renewed(text, outputs.get), encoding="utf-8")


def main() -> int:
    return run_script(command, "gallery")


if __name__ == "__main__":
    sys.exit(main())
