"""Writing of a recording's files, each complete or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from landscape_cli.errors import StoreError
from landscape_cli.store.recordings.facts import Facts
from landscape_cli.store.recordings.file_names import RecordedFile
from landscape_cli.store.recordings.layout import Layout
from landscape_cli.store.recordings.reading import (
    VERSION,
    header_bytes,
    single_metadata,
    step_prefix,
)


def write_single(folder: Path, facts: Facts, layout: Layout, data: memoryview) -> RecordedFile:
    """Write a file of one step.

    The file survives the end of the process, but is not forced onto the disk.

    Raises:
        StoreError: if it can't be written; nothing is left of it.
    """
    file = RecordedFile.in_folder(folder, facts.step)
    _write(file.path, [header_bytes(layout.header(), single_metadata(facts, layout)), data], False)
    return file


def write_joined(
    folder: Path, facts: list[Facts], layout: Layout, steps: list[memoryview]
) -> RecordedFile:
    """Write a file of several steps, and force it onto the disk, since others are removed for it.

    Raises:
        StoreError: if it can't be written; nothing is left of it.
    """
    file = RecordedFile.in_folder(folder, facts[0].step, facts[-1].step)
    metadata = {
        "format": "pt",
        "recording": VERSION,
        "steps": json.dumps([one.as_metadata(layout) for one in facts], separators=(",", ":")),
    }
    entries = layout.header([step_prefix(one.step) for one in facts])
    _write(file.path, [header_bytes(entries, metadata), *layout.joined(steps)], True)
    return file


def _write(path: Path, pieces: Iterable[bytes | memoryview], force: bool) -> None:
    temporary = path.with_name(f".{path.name}.part")
    try:
        try:
            with open(temporary, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                if force:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(f"record: can't write {str(path)!r}: {error.strerror}") from None
