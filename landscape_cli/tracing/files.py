"""Which checkpoints there are, in the order in which people count."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from landscape_cli.errors import UsageError


def expand(patterns: Sequence[str]) -> list[str]:
    """The files that patterns match, each once.

    Patterns keep their order; the files of one are in natural order, ``epoch9`` before
    ``epoch10``. A name that is there is taken as it is, whatever characters it has.

    Raises:
        UsageError: if a pattern matches no file.
    """
    found: dict[str, str] = {}
    for pattern in patterns:
        names = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
        files = sorted(filter(os.path.isfile, names), key=natural)
        if not files:
            here = f" in {os.getcwd()}" if not os.path.isabs(pattern) else ""
            raise UsageError(
                f"--checkpoints {pattern!r}: no file matches{here}; quote patterns such as "
                "'runs/net_epochs/*.pt'"
            )
        for file in files:
            found.setdefault(os.path.realpath(file), file)
    return list(found.values())


def natural(path: str) -> tuple[tuple[str | int, ...], ...]:
    """A key by which names sort as people count: digits as numbers, folder by folder."""
    return tuple(
        tuple(int(part) if place % 2 else part for place, part in enumerate(pieces))
        for pieces in (re.split("([0-9]+)", folder) for folder in PurePath(path).parts)
    )


def labels(paths: Sequence[str]) -> tuple[str, ...]:
    """A short name for each file: its own without the ending, or with folders if need be."""
    stems = tuple(PurePath(path).stem for path in paths)
    return stems if len(set(stems)) == len(stems) else tuple(paths)


def epochs(paths: Sequence[str], stored: Sequence[object]) -> tuple[int, ...] | None:
    """After how many epochs each checkpoint was saved, or None if that is not known of all.

    Args:
        paths: the checkpoints' files.
        stored: what each holds as its epoch, None if nothing. Where that is not a whole number in
            every file, the last number in each file's name counts, if these ascend.
    """
    known = [epoch for epoch in stored if isinstance(epoch, int) and not isinstance(epoch, bool)]
    if len(known) == len(paths):
        return tuple(known)
    numbers = [re.findall("[0-9]+", PurePath(path).stem) for path in paths]
    last = [int(found[-1]) for found in numbers if found]
    ascending = all(one < other for one, other in pairwise(last))
    return tuple(last) if len(last) == len(paths) and ascending else None


def output_path(surface: str, given: str | None, inputs: Sequence[str]) -> Path:
    """The file to write: the one given, or one beside the surface that a configuration names.

    Raises:
        UsageError: if it would replace the surface or an input.
    """
    beside = Path(surface).absolute()
    path = beside.with_name(f"{beside.stem}.trajectory.h5") if given is None else Path(given)
    path = path.absolute()
    for name in (*inputs, str(beside)):
        if path.resolve() == Path(name).resolve():
            what = "the configuration's output" if name == str(beside) else "an input"
            raise UsageError(f"--output {str(path)!r}: is {what}; name another file")
    return path
