"""Files that a command writes for the user, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from landscape_cli.errors import UsageError


def check_output(path: Path, inputs: Iterable[str] = (), formats: Sequence[str] = ()) -> None:
    """Refuse a path that no file can be written to.

    Args:
        path: the file.
        inputs: files that must not be replaced.
        formats: the endings that the path may have; any if empty.

    Raises:
        UsageError: for an unknown ending, a folder, one that does not exist, or an input.
    """
    if formats and path.suffix.lower().lstrip(".") not in formats:
        endings = ", ".join(f".{name}" for name in formats)
        raise UsageError(f"--output {path}: the name must end in one of {endings}")
    if path.is_dir():
        raise UsageError(f"--output {path}: is a folder; name a file in it")
    if any(path.resolve() == Path(name).resolve() for name in inputs):
        raise UsageError(f"--output {path}: would replace the surface file; choose another name")
    if not path.parent.is_dir():
        raise UsageError(f"--output {path}: the folder {path.parent} does not exist; create it")


@contextmanager
def replacing(path: Path, ending: str = "") -> Iterator[Path]:
    """A file beside another, which takes that one's place when the ``with`` block is complete.

    Args:
        path: the file.
        ending: of the other one's name.

    Raises:
        UsageError: in place of an ``OSError`` in the block.
    """
    partial = path.with_name(f".{path.stem[:40]}.{os.getpid()}.tmp{ending}")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--output {path}: can't be written ({reason}); choose another") from None
    finally:
        partial.unlink(missing_ok=True)
