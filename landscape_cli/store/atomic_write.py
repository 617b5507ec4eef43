"""Atomic writes: a complete new file is written beside the old one and then replaces it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from landscape_cli.errors import PublishError, StoreError
from landscape_cli.util.output_files import kind_of_special, written_path
from landscape_cli.util.sink import sink

LIBRARY = ("v108", "v110")
"""Oldest and newest format of HDF5 to use; attributes above 64 KiB need the first."""

Check = Callable[[], None]
"""Called before a file is replaced; raises an error to prevent it."""


def unchecked() -> None:
    """Allow every replacement."""


def rescue(path: Path, failure: StoreError, write: Callable[[Path], None]) -> PublishError:
    """Write what can't be written to its file into one in the current folder.

    Args:
        path: the HDF5 file that can't be written.
        failure: the reason.
        write: writes another file.

    Returns:
        The error to raise, which says where everything is.
    """
    rescued = Path(f"{path.stem}.rescued-{os.getpid()}.h5")
    try:
        write(rescued)
    except StoreError as error:
        return PublishError(
            f"{failure}; nor can a file be written here ({error}): everything computed since the "
            "file was last written is lost"
        )
    return PublishError(
        f"{failure}; everything computed is in {rescued.absolute()}: move it to {path} later, and "
        "the same command will continue from there"
    )


def publish(path: Path, fill: Callable[[h5py.File], None], check: Check = unchecked) -> None:
    """Write a complete HDF5 file and replace ``path`` with it in one step.

    Readers see either the old file or the new one, never a partial file, even after a crash.

    Args:
        path: the file to write; missing parent folders are created.
        fill: writes the content into the open file.
        check: called when the new file is complete, before it replaces the old one.

    Raises:
        StoreError: if the file can't be written; the incomplete file is removed.
    """
    with (
        _replacing(path, check) as temporary,
        sink(temporary) as output,
        h5py.File(output, "w", libver=LIBRARY) as file,
    ):
        fill(file)


def publish_text(path: Path, text: str, check: Check = unchecked) -> None:
    """Write a text file in one step, as ``publish`` writes one.

    Raises:
        StoreError: if the file can't be written.
    """
    with _replacing(path, check) as temporary:
        temporary.write_text(text, encoding="utf-8")


def publish_with(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file of another format in one step, as ``publish`` writes one.

    Args:
        path: the file.
        write: writes it under a temporary name.

    Raises:
        StoreError: if the file can't be written.
    """
    with _replacing(path) as temporary:
        write(temporary)


def publish_copy(source: Path, path: Path) -> None:
    """Copy a file in one step, as ``publish`` writes one.

    Raises:
        StoreError: if the file can't be read or written.
    """
    with _replacing(path) as temporary:
        shutil.copyfile(source, temporary)


@contextmanager
def _replacing(path: Path, check: Check = unchecked) -> Iterator[Path]:
    """Yield the path of a temporary file; when the block ends, rename that file to ``path``.

    A symbolic link stays, and the file that it leads to is replaced.
    """
    target = written_path(path)
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # A suspended run may still have a file of this name open: unlink it, never reuse it.
        temporary.unlink(missing_ok=True)
        try:
            yield temporary
            _sync(temporary)
            check()
            os.replace(temporary, target)
            _sync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(f"output: can't write {str(path)!r}: {reason(error)}") from error


def check_writable(path: Path) -> None:
    """Refuse an output path that can't be written, before anything is computed for it.

    Raises:
        StoreError: if the path is a folder, a pipe or a device, or its parent folder is not
            writable.
    """
    if path.is_dir():
        raise StoreError(f"output: {str(path)!r} is a folder; name a file in it")
    if special := kind_of_special(path):
        raise StoreError(f"output: {str(path)!r} is {special}; name a file")
    folder = written_path(path).absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise StoreError(f"output: can't write {str(path)!r}: {folder} is not a writable folder")


def reason(error: BaseException) -> str:
    """Shorten an error's message to one line, without HDF5's long trace."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split())[:200] or type(error).__name__


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
