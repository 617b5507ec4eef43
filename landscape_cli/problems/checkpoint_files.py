"""Checkpoints matching patterns, in natural order, and short labels for them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import PurePath

from landscape_cli.errors import UsageError
from landscape_cli.problems.checkpoints.folder import is_checkpoint
from landscape_cli.problems.recordings import each_step
from landscape_cli.records.checkpoint_path import CheckpointPath


def expand(
    patterns: Sequence[str | CheckpointPath], key: str = "checkpoints"
) -> list[CheckpointPath]:
    """Expand patterns to the checkpoints that they match, each once.

    Patterns keep their order; the files and folders of one pattern are in natural order, ``epoch9``
    before ``epoch10``. A file or folder that exists is taken literally, even if its name has
    wildcards. The entry of ``PATTERN::KEY`` is taken from each. A recording stands for all of its
    steps, in order, ``RECORDING::START:STOP:STEP`` for those of them in a range.

    Args:
        patterns: paths and patterns.
        key: the key or option that they come from, for messages.

    Raises:
        UsageError: if a pattern matches no checkpoint.
    """
    expanded: dict[object, CheckpointPath] = {}
    for wanted in patterns:
        try:
            given = CheckpointPath.parse(wanted)
        except ValueError as error:
            raise UsageError(f"{key}: {error}") from None
        pattern = given.path
        files = sorted(filter(is_checkpoint, _matches(pattern)), key=natural)
        if not files:
            here = f" in {os.getcwd()}" if not os.path.isabs(pattern) else ""
            raise UsageError(
                f"{key}: no file matches {pattern!r}{here}; quote patterns such as "
                "'runs/net_epochs/*.pt'"
            )
        for one in (one for file in files for one in each_step(given.at(file), key)):
            expanded.setdefault(one.real, one)
    return list(expanded.values())


def single(pattern: str | CheckpointPath, key: str) -> CheckpointPath:
    """Expand a pattern to the only checkpoint that it matches.

    Args:
        pattern: a path or pattern.
        key: the key or option that it comes from, for messages.

    Raises:
        UsageError: if it matches no checkpoint, or several.
    """
    found = expand([pattern], key)
    if len(found) > 1:
        raise UsageError(f"{key}: {str(pattern)!r} matches {len(found)} checkpoints; name one")
    return found[0]


def _matches(pattern: str) -> list[str]:
    """Return what a pattern matches, part by part; a part that exists literally is no pattern."""
    literal, found = False, [os.sep if os.path.isabs(pattern) else ""]
    for part in filter(None, pattern.split(os.sep)):
        places, found = found, []
        for place in places:
            path = os.path.join(place, part)
            if os.path.lexists(path):
                literal = literal or glob.has_magic(part)
                found.append(path)
            else:
                found += [place] if part == "**" else []
                found += glob.glob(os.path.join(glob.escape(place), part), recursive=True)
    return found if literal else glob.glob(pattern, recursive=True)


def natural(path: str) -> tuple[tuple[str | int, ...], ...]:
    """Sort key for natural order: digits compare as numbers, folder by folder."""
    return tuple(
        tuple(int(part) if place % 2 else part for place, part in enumerate(pieces))
        for pieces in (re.split("([0-9]+)", folder) for folder in PurePath(path).parts)
    )


def labels(paths: Sequence[str | CheckpointPath]) -> tuple[str, ...]:
    """Short label of each checkpoint: its stem if all stems differ, else its path."""
    stems = tuple(
        path.stem if isinstance(path, CheckpointPath) else PurePath(path).stem for path in paths
    )
    return stems if len(set(stems)) == len(stems) else tuple(map(str, paths))
