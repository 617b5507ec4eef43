"""Which checkpoints there are, in the order in which people count."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from pathlib import PurePath

from landscape_cli.errors import UsageError


def expand(patterns: Sequence[str], key: str = "checkpoints") -> list[str]:
    """The files that patterns match, each once.

    Patterns keep their order; the files of one are in natural order, ``epoch9`` before
    ``epoch10``. A name that is there is taken as it is, whatever characters it has.

    Args:
        patterns: paths and patterns.
        key: what gave them, for messages.

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
                f"{key}: no file matches {pattern!r}{here}; quote patterns such as "
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
