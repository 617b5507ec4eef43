"""Writing of export files, whole or not at all."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from landscape_cli.errors import UsageError
from landscape_cli.exports import FORMATS, Options, Source
from landscape_cli.util.output_files import check_kind, check_output, replacing

Write = Callable[[Sequence[Source], Path, Options], Sequence[str] | None]
"""Writes surfaces, a single one unless the format takes several, to a file that does not exist yet.

The path has the format's extension. Returns notes for the user, if any. Raises a ``LandscapeError``
if the surfaces do not suit the format, and may raise an ``OSError``."""


def export(name: str, sources: Sequence[Source], path: Path, options: Options) -> Sequence[str]:
    """Write surfaces to one file, which appears under its name once it is complete.

    Args:
        name: a format in ``FORMATS``.
        sources: at least one; a single one unless the format takes several.
        path: the file; an existing one is replaced.
        options: the user's choices.

    Returns:
        Notes for the user.

    Raises:
        UsageError: if the path can't be written, the surfaces do not suit the format, or an option
            does not apply to it.
    """
    check_options(name, options)
    check_output(path, [source.file for source in sources])
    check_kind(path, FORMATS[name].ending.lstrip("."))
    module, attribute = FORMATS[name].target.split(":")
    write: Write = getattr(importlib.import_module(module), attribute)
    with replacing(path, FORMATS[name].ending) as partial:
        notes = write(sources, partial, options)
    return notes or ()


def check_options(name: str, options: Options) -> None:
    """Refuse options that do not apply to a format.

    Raises:
        UsageError: if there is one; the message names the formats it applies to.
    """
    for option, value in vars(options).items():
        if value is not None and option not in FORMATS[name].takes:
            takers = ", ".join(other for other, entry in FORMATS.items() if option in entry.takes)
            words = f"--{option} {value}"
            if isinstance(value, bool):
                words = f"--{option}" if value else "--linear"
            raise UsageError(f"{words}: applies only to {takers}, not to {name}; leave it out")


def check_extra(module: str, format_name: str, extra: str) -> None:
    """Refuse a format whose optional library is missing.

    Args:
        module: the library's module.
        format_name: a format in ``FORMATS``.
        extra: the package extra that installs the library.

    Raises:
        UsageError: if it is missing; the message has the command that installs it.
    """
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"--to {format_name}: needs {module.partition('.')[0]} ({error}); "
            f"pip install 'landscape-cli[{extra}]'"
        ) from None
