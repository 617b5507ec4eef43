"""What the names of checkpoints tell, and the file that a trajectory goes into."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from landscape_cli.errors import UsageError


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
