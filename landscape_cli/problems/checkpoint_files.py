"""Checkpoint files matching patterns, in natural order, and short labels for them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import PurePath

from landscape_cli.errors import UsageError


def expand(patterns: Sequence[str], key: str = "checkpoints") -> list[str]:
    """Expand patterns to the files that they match, each once.

    Patterns keep their order; the files of one pattern are in natural order, ``epoch9`` before
    ``epoch10``. A file or folder that exists is taken literally, even if its name has wildcards.

    Args:
        patterns: paths and patterns.
        key: the key or option that they come from, for messages.

    Raises:
        UsageError: if a pattern matches no file.
    """
    expanded: dict[str, str] = {}
    for pattern in patterns:
        files = sorted(filter(os.path.isfile, _matches(pattern)), key=natural)
        if not files:
            here = f" in {os.getcwd()}" if not os.path.isabs(pattern) else ""
            raise UsageError(
                f"{key}: no file matches {pattern!r}{here}; quote patterns such as "
                "'runs/net_epochs/*.pt'"
            )
        for file in files:
            expanded.setdefault(os.path.realpath(file), file)
    return list(expanded.values())


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


def labels(paths: Sequence[str]) -> tuple[str, ...]:
    """Short label of each file: its stem if all stems differ, else its path."""
    stems = tuple(PurePath(path).stem for path in paths)
    return stems if len(set(stems)) == len(stems) else tuple(paths)
