"""Output files of commands, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from landscape_cli.errors import UsageError


def check_output(path: Path, inputs: Iterable[str] = (), formats: Sequence[str] = ()) -> None:
    """Refuse a path that can't be written to.

    Args:
        path: the output file.
        inputs: files that must not be replaced.
        formats: allowed file name extensions; any if empty.

    Raises:
        UsageError: for an unknown extension, a folder, a missing parent folder, or an input.
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
    """Yield a temporary path that replaces the output file when the ``with`` block succeeds.

    Args:
        path: the output file.
        ending: file name extension of the temporary path, with the dot.

    Raises:
        UsageError: in place of an ``OSError`` in the block.
    """
    partial = path.with_name(f".{path.stem[:40]}.{os.getpid()}.tmp{ending}")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(
            f"--output {path}: can't be written ({reason}); choose another path"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
