"""The SHA-256 of a checkpoint's files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints.folder import locate
from landscape_cli.problems.checkpoints.formats import format_of
from landscape_cli.records.checkpoint_path import CheckpointPath


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a checkpoint, as a hex string.

    For a single file, also one in a trainer's folder, it is that of the file. For several files,
    it is that of the lines that ``sha256sum`` prints for them in the order of their names, which
    are relative to the folder. For a step of a recording, it is that of the step's own file.

    Raises:
        CheckpointError: if a file can't be read.
    """
    where = CheckpointPath.parse(path)
    located, _ = locate(where.path)
    if (own := format_of(located).entry_hash(located, where.key)) is not None:
        return own
    files = format_of(located).files(located)
    if files == [located]:
        return _hash(located)
    folder = Path(located) if os.path.isdir(located) else Path(located).parent
    lines = [f"{_hash(file)}  {Path(file).relative_to(folder).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _hash(path: str) -> str:
    state = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(1 << 22):
                state.update(block)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise CheckpointError(f"checkpoint: can't read {path!r}: {why}") from None
    return state.hexdigest()
