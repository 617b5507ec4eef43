"""Epochs from the names of checkpoints, and the name of a trajectory's file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from landscape_cli.errors import UsageError
from landscape_cli.util.output_files import same_file


def epochs(
    paths: Sequence[str | os.PathLike[str]], stored: Sequence[object]
) -> tuple[int, ...] | None:
    """Find the number of epochs before each checkpoint was saved; None unless all are known.

    Args:
        paths: the checkpoints' files.
        stored: the epoch stored in each, None if there is none. Unless all of them are whole
            numbers, the last numbers in the file names are used, if these ascend.
    """
    known = [epoch for epoch in stored if isinstance(epoch, int) and not isinstance(epoch, bool)]
    if len(known) == len(paths):
        return tuple(known)
    numbers = [re.findall("[0-9]+", PurePath(path).stem) for path in paths]
    last = [int(in_name[-1]) for in_name in numbers if in_name]
    ascending = all(first < second for first, second in pairwise(last))
    return tuple(last) if len(last) == len(paths) and ascending else None


def output_path(surface: str, given: str | None, inputs: Sequence[str | os.PathLike[str]]) -> Path:
    """Choose the file to write: the given one, or one beside the configuration's surface.

    Raises:
        UsageError: if it would replace the surface or an input.
    """
    beside = Path(surface).absolute()
    path = beside.with_name(f"{beside.stem}.trajectory.h5") if given is None else Path(given)
    path = path.absolute()
    for name in (*inputs, str(beside)):
        if same_file(path, name):
            what = "the configuration's output" if name == str(beside) else "an input"
            raise UsageError(f"--output {str(path)!r}: is {what}; name another file")
    return path
