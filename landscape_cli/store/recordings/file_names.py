"""Names of a recording's files, which say the steps in them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

NAME = re.compile(r"recorded-([0-9]{10,16})(?:-([0-9]{10,16}))?\.safetensors")

PART = re.compile(r"\.recorded-[0-9-]+\.safetensors\.part")
"""Names of files that were being written when their process was killed."""


@dataclass(frozen=True, order=True)
class RecordedFile:
    """A file of a recording.

    Args:
        first: its first step.
        last: its last step.
        joined: True for a file of several steps.
        path: the file.
    """

    first: int
    last: int
    joined: bool
    path: Path

    @classmethod
    def in_folder(cls, folder: Path, first: int, last: int | None = None) -> RecordedFile:
        """Return the file with these steps; with the first alone if there is no last."""
        steps = f"{first:010}" if last is None else f"{first:010}-{last:010}"
        path = folder / f"recorded-{steps}.safetensors"
        return cls(first, first if last is None else last, last is not None, path)


def recorded_file(path: Path) -> RecordedFile | None:
    """Return the file by its name; None for one of another name."""
    if (match := NAME.fullmatch(path.name)) is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return RecordedFile(first, last, match[2] is not None, path)


def recorded_files(folder: Path) -> list[RecordedFile]:
    """Return a folder's files, in the order of their steps; none if it can't be read."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(filter(None, (recorded_file(folder / name) for name in names)))
