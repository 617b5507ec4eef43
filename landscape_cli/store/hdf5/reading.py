"""Opening of HDF5 files that may be foreign or damaged, with clean errors."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import yaml

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.store.atomic_write import reason
from landscape_cli.store.hdf5.damage import check_damage
from landscape_cli.store.hdf5.stored_file import StoredFile

DAMAGED = (
    *(OSError, RuntimeError, UsageError, yaml.YAMLError, MemoryError, zlib.error),
    *(KeyError, ValueError, TypeError, AttributeError, OverflowError, IndexError),
)
"""Errors that reading a damaged file raises."""


@contextmanager
def reading(path: str | os.PathLike[str], kind: str) -> Iterator[StoredFile]:
    """Open a file for reading, without a lock; if the block fails to read it, say it is damaged.

    Args:
        path: the file.
        kind: the expected kind of file, such as "surface file", for messages.

    Raises:
        StoreError: if the file is missing or damaged.
    """
    with _open_file(path) as file:
        try:
            yield StoredFile(file)
        except DAMAGED as error:
            raise StoreError(f"{os.fspath(path)}: a damaged {kind} ({reason(error)})") from None


def check_format(
    file: StoredFile, path: str | os.PathLike[str], name: str, newest: int, what: str
) -> None:
    """Refuse a file of another format, or of a version that this program does not know.

    Args:
        file: the open file.
        path: its path, for messages.
        name: of the format, the attribute ``format`` of the root.
        newest: the newest ``format_version`` that this program reads.
        what: a file of the format in words, such as "a surface made by `landscape compute`".

    Raises:
        StoreError: if it has another format, or a newer version.
        ValueError: if there is no such version.
    """
    if not file.has("", "format") or file.text("", "format") != name:
        raise StoreError(f"{os.fspath(path)}: an HDF5 file, but not {what}")
    version = file.integer("", "format_version")
    if version < 1:
        raise ValueError(f"there is no format_version {version}")
    if version > newest:
        raise StoreError(
            f"{os.fspath(path)}: format_version {version} is newer than {newest}, the newest this "
            "program reads; install a newer landscape-cli"
        )


def _open_file(path: str | os.PathLike[str]) -> h5py.File:
    """Open a file for reading.

    Raises:
        StoreError: if there is no such file, or HDF5 can't read it.
    """
    name = os.fspath(path)
    if not Path(path).exists():
        raise StoreError(f"{name}: no such file")
    if not Path(path).is_file():
        raise StoreError(f"{name}: no such file, but a folder, pipe or device; name a file")
    try:
        check_damage(path)
        return h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(f"{name}: not an HDF5 file, or a damaged one ({reason(error)})") from None
