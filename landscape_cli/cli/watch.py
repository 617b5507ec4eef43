"""The option ``--watch``: follow surface files while a run writes them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from landscape_cli.cli.live_screen import exit_quietly_on_interrupt
from landscape_cli.cli.options import OUTPUT
from landscape_cli.errors import StoreError, visible

if TYPE_CHECKING:
    from landscape_cli.records.surface import Surface

Function = TypeVar("Function", bound=Callable[..., Any])

DEFAULT_INTERVAL = 2.0
"""Seconds between two looks at the files."""

MAX_INTERVAL = 86_400

ATTEMPTS = 5
"""Attempts to read a file that was readable before; network file systems fail now and then."""

PAUSE = 0.4
"""Seconds between two attempts, or between two looks for a file that does not exist yet."""


class WatchCommand(click.Command):
    """A command whose ``--watch`` takes an optional number; any other word after it is a FILE."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Give ``--watch`` its default if no number follows."""
        completed = []
        for place, word in enumerate(args):
            following = args[place + 1] if place + 1 < len(args) else ""
            bare = word == "--watch" and not _is_number(following)
            completed.append(f"--watch={DEFAULT_INTERVAL}" if bare else word)
        return super().parse_args(context, completed)


def watch_option(text: str) -> Callable[[Function], Function]:
    """Add ``--watch``, whose help starts with this text."""
    return OUTPUT.option(
        "--watch",
        type=click.FloatRange(0.1, MAX_INTERVAL),
        metavar="[SECONDS]",
        help=f"{text} Checks every SECONDS, by default {DEFAULT_INTERVAL:g}; Ctrl-C stops.",
    )


@dataclass(frozen=True)
class Observation:
    """The state of several surface files at one moment.

    Args:
        surfaces: the content of each file.
        written: modification time of each file, in seconds since the epoch.
        changed: whether any file has changed since the previous observation.
        idle: seconds since the last change of any file.
        complete: whether all files are complete.
    """

    surfaces: list[Surface]
    written: list[float]
    changed: bool
    idle: float
    complete: bool


def read_or_wait(files: Sequence[str], waiting: bool) -> list[Surface]:
    """Read surface files, optionally waiting until they exist.

    Args:
        files: paths of the files.
        waiting: wait for a file that does not exist yet, whether or not a run has begun.

    Raises:
        StoreError: if a file can't be read, or does not exist and is not waited for.
    """
    from landscape_cli.store import read_surface

    for file in files if waiting else ():
        with exit_quietly_on_interrupt():
            _wait_for(file)
    return [read_surface(file) for file in files]


def _wait_for(file: str) -> None:
    """Wait until a file exists, if its folder does; say so, and whether a run is to write it."""
    from landscape_cli.store import describe_writer

    announced = None
    while not os.path.exists(file) and Path(file).parent.is_dir():
        writer = describe_writer(Path(file))
        state = f"to be written by {writer}" if writer else "which no run writes yet"
        if state != announced:
            print(visible(f"waiting for {file}, {state}"), file=sys.stderr, flush=True)
        announced = state
        time.sleep(PAUSE)


def follow(files: Sequence[str], seconds: float) -> Iterator[Observation]:
    """Observe surface files repeatedly until all are complete.

    The pause between two observations is never shorter than the caller took to use the last one.

    Args:
        files: surface files, which need not exist yet.
        seconds: minimum pause between two observations.

    Raises:
        StoreError: if a file can't be read.
    """
    surfaces = read_or_wait(files, waiting=True)
    states: list[Any] = [None] * len(files)
    changed_at = time.monotonic()
    while True:
        previous, states = states, [_file_state(file) for file in files]
        if changed := states != previous:
            surfaces = [
                surface if new == old else _reread(file)
                for file, surface, new, old in zip(files, surfaces, states, previous, strict=True)
            ]
            changed_at = time.monotonic()
            if None in previous:  # the files may have been written long before we started
                changed_at -= max(0.0, time.time() - max(state[0] for state in states) / 1e9)
        complete = all(_is_complete(surface) for surface in surfaces)
        observed_at = time.monotonic()
        written = [state[0] / 1e9 for state in states]
        yield Observation(surfaces, written, changed, observed_at - changed_at, complete)
        if complete:
            return
        time.sleep(max(time.monotonic() - observed_at, seconds))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _file_state(file: str) -> tuple[int, int, int]:
    """Return modification time in ns, inode and size, which change when a file is replaced."""
    for _ in range(ATTEMPTS):
        try:
            status = os.stat(file)
        except OSError as error:
            failure = error
            time.sleep(PAUSE)
        else:
            return status.st_mtime_ns, status.st_ino, status.st_size
    raise StoreError(f"{file}: has disappeared ({failure.strerror})")


def _reread(file: str) -> Surface:
    from landscape_cli.store import read_surface

    for _ in range(ATTEMPTS - 1):
        try:
            return read_surface(file)
        except StoreError:
            time.sleep(PAUSE)
    return read_surface(file)


def _is_complete(surface: Surface) -> bool:
    """Return whether no point is left to compute; for a shard, none of its own."""
    from landscape_cli.records.shards import Shard
    from landscape_cli.records.tiles import Status
    from landscape_cli.store import own_points

    own = own_points(surface.grid, Shard.of_file(surface.provenance))
    return not bool((surface.status[own] == Status.TODO).any())
