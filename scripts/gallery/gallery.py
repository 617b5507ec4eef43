"""Make the pictures of docs/gallery.md by the commands that the page itself shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
from browser import NoBrowserError, screenshot
from images import keep, write
from page import FOLDER, Block, read, renewed
from terminal import cells, draw, printed

from landscape_cli.cli.error_report import run_script
from landscape_cli.errors import LandscapeError

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "gallery.md"
MADE = ROOT / "runs" / "gallery"
"""Where the commands write."""

CLONE = "/home/you/landscape"
"""What the page calls the folder of the project."""

STOPPED, INTERRUPTED = 75, 130
"""Exit codes of a run that its time limit ended, and of watching that Ctrl-C did."""

FINISHED = re.compile(r"(?:-o |checkpoint=)(\S+\.(?:h5|pt))")


def is_done(command: str, root: Path = ROOT) -> bool:
    """Whether a command that knows nothing of earlier runs has made its file already.

    ``landscape compute`` does know: it leaves a complete file alone, and continues another. Not
    so where a time limit is to leave it incomplete.
    """
    knows = "landscape compute" in command and "--time-limit" not in command
    found = FINISHED.search(command)
    return not knows and found is not None and (root / found[1]).exists()


def environment() -> dict[str, str]:
    """Variables with which the shell finds this Python's programs, and them this clone."""
    paths = {"PATH": Path(sys.executable).parent, "PYTHONPATH": ROOT}
    joined = {
        name: os.pathsep.join(filter(None, [str(first), os.environ.get(name)]))
        for name, first in paths.items()
    }
    return {**os.environ, **joined}


def run(command: str) -> str:
    """Run a command, show what it prints, and return it as the page would show it.

    Raises:
        LandscapeError: if it fails.
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


def _check(command: str, code: int, also: int) -> None:
    if code not in (0, also):
        raise LandscapeError(f"ended with {code}: {command}")


def shoot(command: str) -> str:
    """What a command prints in a terminal, with the codes for colours."""
    click.secho(f"$ {command}", bold=True)
    text, code = printed(command, environment(), ROOT)
    if code not in (0, INTERRUPTED):
        click.echo(text, err=True)
    _check(command, code, INTERRUPTED)
    return text.replace(str(ROOT), CLONE)


def make_image(name: str, block: Block) -> None:
    """Make a picture of the page from what the block above it has drawn.

    Args:
        name: that of its file, written by one of the block's commands; of a PNG an HTML page may
            be written in its place, or nothing, if it shows what the block's command prints.
        block: the commands.
    """
    made, kept = MADE / name, PAGE.parent / FOLDER / name
    text = "\n".join(block.commands)
    if made.name in text:
        keep(made, kept)
    elif (page := made.with_suffix(".html")).name in text:
        try:
            screenshot(page, made)
        except NoBrowserError as error:
            click.echo(f"left as it is: {kept} ({error})", err=True)
            return
        keep(made, kept)
    else:
        write(draw(cells("\n".join(map(shoot, block.commands)))), kept)
    click.echo(f"wrote {kept} ({kept.stat().st_size / 1000:.0f} kB)")


def in_a_terminal(block: Block) -> bool:
    """Whether a block's picture shows what the block prints."""
    text = "\n".join(block.commands)
    return bool(block.images) and not any(Path(name).stem + "." in text for name in block.images)


def make(page: list[Block], wanted: Callable[[Block], bool]) -> dict[str, str]:
    """Run the wanted blocks' commands and make their pictures; what each command printed."""
    outputs = {}
    for block in filter(wanted, page):
        for command in block.commands:
            if is_done(command):
                click.echo(f"have what this makes: {command}")
            elif not in_a_terminal(block):
                outputs[command] = run(command)
        for name in block.images:
            make_image(name, block)
    return outputs


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("images", nargs=-1)
def command(images: tuple[str, ...]) -> None:
    """Make the pictures of docs/gallery.md, or only some IMAGES such as heatmap.png.

    What the page's commands compute is computed once, in runs; what they print is put into the page
    where it shows anything.
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
