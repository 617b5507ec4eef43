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
    ``epoch10``. A path that exists is taken literally, even if it contains wildcards.

    Args:
        patterns: paths and patterns.
        key: the key or option that they come from, for messages.

    Raises:
        UsageError: if a pattern matches no file.
    """
    expanded: dict[str, str] = {}
    for pattern in patterns:
        names = [pattern] if os.path.isfile(pattern) else glob.glob(pattern, recursive=True)
        files = sorted(filter(os.path.isfile, names), key=natural)
        if not files:
            here = f" in {os.getcwd()}" if not os.path.isabs(pattern) else ""
            raise UsageError(
                f"{key}: no file matches {pattern!r}{here}; quote patterns such as "
                "'runs/net_epochs/*.pt'"
            )
        for file in files:
            expanded.setdefault(os.path.realpath(file), file)
    return list(expanded.values())


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
