"""Figures to files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from landscape_cli.errors import UsageError
from landscape_cli.plotting import FORMATS
from landscape_cli.plotting.style import style

CROP: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.06}
"""How files are cropped: nothing is cut off, and no margin is left."""

UNDATED: dict[str, dict[str, Any]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
"""What to leave out of files, so that the same picture gives the same bytes."""


def check_output(path: Path, inputs: Iterable[str] = ()) -> None:
    """Refuse a path that no picture can be written to.

    Raises:
        UsageError: for an unknown ending, a folder, one that does not exist, or an input.
    """
    if path.suffix.lower().lstrip(".") not in FORMATS:
        endings = ", ".join(f".{name}" for name in FORMATS)
        raise UsageError(f"--output {path}: the name must end in one of {endings}")
    if path.is_dir():
        raise UsageError(f"--output {path}: is a folder; name a file in it")
    if any(path.resolve() == Path(name).resolve() for name in inputs):
        raise UsageError(f"--output {path}: would replace the surface file; choose another name")
    if not path.parent.is_dir():
        raise UsageError(f"--output {path}: the folder {path.parent} does not exist; create it")


def save(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure to a file of one of ``FORMATS``, whole or not at all.

    Raises:
        UsageError: if the path has another ending or can't be written.
    """
    check_output(path)
    ending = path.suffix.lower().lstrip(".")
    partial = path.with_name(f".{path.stem[:40]}.{os.getpid()}.tmp")
    try:
        with style():
            figure.savefig(partial, format=ending, dpi=dpi, metadata=UNDATED.get(ending), **CROP)
        os.replace(partial, path)
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--output {path}: can't be written ({reason}); choose another") from None
    finally:
        partial.unlink(missing_ok=True)
