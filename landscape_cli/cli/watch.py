"""Following surface files while they are written: ``--watch`` of several commands."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from landscape_cli.cli.options import OUTPUT
from landscape_cli.errors import StoreError

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface

Function = TypeVar("Function", bound=Callable[..., Any])

DEFAULT_INTERVAL = 2.0
MAX_INTERVAL = 86_400
ATTEMPTS = 5
"""How often a file that was read before may fail to be, as network file systems let it."""


class WatchCommand(click.Command):
    """A command whose ``--watch`` may have a number behind it; anything else there is a FILE."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Give ``--watch`` its default where no number follows."""
        completed = []
        for place, word in enumerate(args):
            following = args[place + 1] if place + 1 < len(args) else ""
            lone = word == "--watch" and not _is_number(following)
            completed.append(f"--watch={DEFAULT_INTERVAL}" if lone else word)
        return super().parse_args(context, completed)


def watch_option(text: str) -> Callable[[Function], Function]:
    """Add ``--watch``, with this help."""
    return OUTPUT.option(
        "--watch",
        type=click.FloatRange(0.1, MAX_INTERVAL),
        metavar="[SECONDS]",
        help=f"{text} Looks every {DEFAULT_INTERVAL:g} seconds, or as often as it says; Ctrl-C "
        "ends it.",
    )


@dataclass(frozen=True)
class Observation:
    """What a look at some files showed.

    Args:
        surfaces: their content.
        written: when each was written, in seconds of its file system's clock.
        changed: whether any is another than at the last look.
        idle: for how many seconds none has changed.
        complete: whether all are.
    """

    surfaces: list[Surface]
    written: list[float]
    changed: bool
    idle: float
    complete: bool


def read_or_wait(files: Sequence[str], waiting: bool) -> list[Surface]:
    """Read surface files.

    Args:
        files: their names.
        waiting: wait for those that a run is about to write.

    Raises:
        StoreError: if one can't be read, or is not there and no run writes it.
    """
    from landscape_cli.store import describe_writer, read_surface

    for file in files:
        told = False
        while waiting and not os.path.exists(file) and (writer := describe_writer(Path(file))):
            if not told:
                print(f"waiting for {file} of {writer}", file=sys.stderr, flush=True)
            told = True
            time.sleep(DEFAULT_INTERVAL / ATTEMPTS)
    return [read_surface(file) for file in files]


def follow(files: Sequence[str], seconds: float) -> Iterator[Observation]:
    """Look at surface files again and again, until all are complete.

    The pause is as long as dealing with the last look took, at least.

    Args:
        files: surface files, there or about to be written.
        seconds: between two looks.

    Raises:
        StoreError: if one can't be read.
    """
    surfaces = read_or_wait(files, waiting=True)
    marks: list[Any] = [None] * len(files)
    changed_at = time.monotonic()
    while True:
        before, marks = marks, [_file_state(file) for file in files]
        if changed := marks != before:
            surfaces = [
                surface if mark == old else _reread(file)
                for file, surface, mark, old in zip(files, surfaces, marks, before, strict=True)
            ]
            changed_at = time.monotonic()
            if None in before:  # what there is at the first look may be old
                changed_at -= max(0.0, time.time() - max(mark[0] for mark in marks) / 1e9)
        complete = all(_complete(surface) for surface in surfaces)
        look = time.monotonic()
        written = [mark[0] / 1e9 for mark in marks]
        yield Observation(surfaces, written, changed, look - changed_at, complete)
        if complete:
            return
        time.sleep(max(time.monotonic() - look, seconds))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _file_state(file: str) -> tuple[int, int, int]:
    """What changes when a file is replaced."""
    for _ in range(ATTEMPTS):
        try:
            found = os.stat(file)
        except OSError as error:
            failure = error
            time.sleep(DEFAULT_INTERVAL / ATTEMPTS)
        else:
            return found.st_mtime_ns, found.st_ino, found.st_size
    raise StoreError(f"{file}: it was there, but no longer is ({failure.strerror})")


def _reread(file: str) -> Surface:
    from landscape_cli.store import read_surface

    for _ in range(ATTEMPTS - 1):
        try:
            return read_surface(file)
        except StoreError:
            time.sleep(DEFAULT_INTERVAL / ATTEMPTS)
    return read_surface(file)


def _complete(surface: Surface) -> bool:
    """Whether a run has nothing left to do: of a shard, its own points."""
    from landscape_cli.records.shards import Shard
    from landscape_cli.records.tiles import Status
    from landscape_cli.store import own_points

    own = own_points(surface.grid, Shard.of_file(surface.provenance))
    return not bool((surface.status[own] == Status.TODO).any())
