"""Output files of commands, written whole or not at all, and never over something else."""

from __future__ import annotations

import contextlib
import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from landscape_cli.errors import UsageError

BEGINNINGS: dict[str, tuple[bytes, ...]] = {
    "png": (b"\x89PNG",),
    "pdf": (b"%PDF",),
    "svg": (b"<?xml", b"<svg"),
    "gif": (b"GIF8",),
    "apng": (b"\x89PNG",),
    "webp": (b"RIFF",),
    "html": (b"<!DOCTYPE html", b"<!doctype html", b"<html"),
    "vtp": (b"<?xml", b"<VTKFile"),
    "vts": (b"<?xml", b"<VTKFile"),
    "npz": (b"PK\x03\x04",),
    "nc": (b"\x89HDF", b"CDF"),
}
"""First bytes of files with an extension; a movie's are at another place, see ``_is_of_kind``."""

NETCDF = b"_NCProperties"
"""An attribute that sets NetCDF files apart from other HDF5 files."""


def same_file(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Tell whether two paths lead to the same file: by links, "..", or another spelling."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return os.path.realpath(one) == os.path.realpath(other)


def written_path(path: Path) -> Path:
    """Return where a file is written: at the end of a symbolic link, which stays."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def kind_of_special(path: Path) -> str | None:
    """Name what is at a path if it is neither a file nor a folder: a pipe, a device, a socket."""
    try:
        if not path.exists():
            return "a link that leads nowhere" if written_path(path).is_symlink() else None
        if path.is_file() or path.is_dir():
            return None
        return "a pipe" if path.is_fifo() else "a socket" if path.is_socket() else "a device"
    except OSError as error:
        return f"not accessible ({error.strerror})"


def is_input(path: Path, inputs: Iterable[str]) -> str | None:
    """Return the first of these inputs that is the same file as a path; None if there is none."""
    return next((name for name in inputs if same_file(path, name)), None)


def check_output(path: Path, inputs: Iterable[str] = (), formats: Sequence[str] = ()) -> None:
    """Refuse a path that can't be written to.

    Args:
        path: the output file.
        inputs: files that must not be replaced.
        formats: allowed file name extensions; any if empty.

    Raises:
        UsageError: for an unknown extension, a folder, a pipe or device, a missing parent folder,
            or an input.
    """
    ending = path.suffix.lower().lstrip(".")
    if formats and ending not in formats:
        endings = ", ".join(f".{name}" for name in formats)
        raise UsageError(f"--output {path}: the name must end in one of {endings}")
    if path.is_dir():
        raise UsageError(f"--output {path}: is a folder; name a file in it")
    if special := kind_of_special(path):
        raise UsageError(f"--output {path}: is {special}; name a file")
    if (name := is_input(path, inputs)) is not None:
        raise UsageError(
            f"--output {path}: would replace the surface file or another that is read, {name}; "
            "choose another name"
        )
    if not written_path(path).parent.is_dir():
        raise UsageError(f"--output {path}: the folder {path.parent} does not exist; create it")


def check_kind(path: Path, ending: str) -> None:
    """Refuse to replace a file of another kind.

    Args:
        path: the output file, which may exist.
        ending: extension of the kind that is written, without the dot.

    Raises:
        UsageError: if there is a file that does not begin like one of this kind.
    """
    with contextlib.suppress(OSError):
        if path.is_file() and path.stat().st_size and not _is_of_kind(path, ending):
            raise UsageError(
                f"--output {path}: is there already, and no {ending} file; name another file, or "
                "remove it"
            )


def _is_of_kind(path: Path, ending: str) -> bool:
    with path.open("rb") as file:
        begin = file.read(4096)
        if ending == "nc" and begin.startswith(b"\x89HDF"):
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                return content.find(NETCDF) >= 0
    if ending == "mp4":
        return begin[4:8] == b"ftyp"
    if ending == "csv":
        return begin.partition(b",")[0] in (b"x", b"y", b"z", b"repeat", b"checkpoint")
    if ending == "stl":
        return begin.startswith(b"landscape")
    return begin.startswith(BEGINNINGS.get(ending, (b"",)))


@contextmanager
def replacing(path: Path, ending: str = "") -> Iterator[Path]:
    """Yield a temporary path that replaces the output file when the ``with`` block succeeds.

    A symbolic link stays, and the file that it leads to is replaced.

    Args:
        path: the output file.
        ending: file name extension of the temporary path, with the dot.

    Raises:
        UsageError: in place of an ``OSError`` in the block.
    """
    target = written_path(path)
    partial = target.with_name(f".{target.stem[:40]}.{os.getpid()}.tmp{ending}")
    try:
        yield partial
        os.replace(partial, target)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"--output {path}: can't be written ({reason}); choose another path"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
