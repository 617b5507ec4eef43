"""Whole files or none: a new file is written beside the old one and then takes its name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from landscape_cli.errors import StoreError

Check = Callable[[], None]
"""Raises an error if a file must not be replaced after all."""


def unchecked() -> None:
    """Let any file be replaced."""


def publish(path: Path, fill: Callable[[h5py.File], None], check: Check = unchecked) -> None:
    """Write a complete HDF5 file that replaces ``path`` in one step.

    A reader sees the old file or the new one, never a part; so does whoever comes after a crash.

    Args:
        path: the file to write; missing folders above it are made.
        fill: writes the content into the open file.
        check: is called when the new file is complete, before it takes the old one's place.

    Raises:
        StoreError: if the file can't be written; what was begun is removed.
    """
    # From version 1.8 on, HDF5 stores attributes of more than 64 KiB.
    with (
        _replacing(path, check) as temporary,
        h5py.File(temporary, "w", libver=("v108", "v110"), locking=False) as file,
    ):
        fill(file)


def publish_copy(source: Path, path: Path) -> None:
    """Copy a file as a whole, in one step like ``publish``.

    Raises:
        StoreError: if it can't be read or written.
    """
    with _replacing(path) as temporary:
        shutil.copyfile(source, temporary)


@contextmanager
def _replacing(path: Path, check: Check = unchecked) -> Iterator[Path]:
    """A file to write beside another one, whose name it takes when it is done."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file of that name may be open in a run that stands still: not the same one, then.
        temporary.unlink(missing_ok=True)
        try:
            yield temporary
            _sync(temporary)
            check()
            os.replace(temporary, path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(f"output: can't write {str(path)!r}: {reason(error)}") from error


def check_writable(path: Path) -> None:
    """Refuse a path that can't become a file, before anything is computed for it.

    Raises:
        StoreError: if it is a folder, or the folder it would lie in can't be written.
    """
    if path.is_dir():
        raise StoreError(f"output: {str(path)!r} is a folder; name a file in it")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"output: can't write {str(path)!r}: {folder} is not a writable folder")


def reason(error: BaseException) -> str:
    """What the system says of an error, without HDF5's long trace."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())[:200] or type(error).__name__


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
