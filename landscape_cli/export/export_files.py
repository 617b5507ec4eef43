"""Writing a format's file, whole or not at all."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from landscape_cli.errors import UsageError
from landscape_cli.export import FORMATS, Options, Source
from landscape_cli.util.output_files import check_output, replacing

Write = Callable[[Sequence[Source], Path, Options], Sequence[str] | None]
"""Write surfaces, a single one unless the format takes several, into a file that does not exist.

The path ends as the format's names do. Returns what a user should know of it, if there is anything.
Raises a ``LandscapeError`` if the surfaces do not suit the format, and may raise an ``OSError``."""


def export(name: str, sources: Sequence[Source], path: Path, options: Options) -> Sequence[str]:
    """Write surfaces into one file, which takes its name when it is complete.

    Args:
        name: a format in ``FORMATS``.
        sources: at least one; a single one unless the format takes several.
        path: the file; one that is there is replaced.
        options: what the user chose.

    Returns:
        What a user should know of it.

    Raises:
        UsageError: if the path can't be written, the surfaces do not suit the format, or it takes
            no such option.
    """
    check_options(name, options)
    check_output(path, [source.file for source in sources])
    module, attribute = FORMATS[name].target.split(":")
    write: Write = getattr(importlib.import_module(module), attribute)
    with replacing(path, FORMATS[name].ending) as partial:
        notes = write(sources, partial, options)
    return notes or ()


def check_options(name: str, options: Options) -> None:
    """Refuse options that mean nothing to a format.

    Raises:
        UsageError: naming the first one, and the formats that take it.
    """
    for option, value in vars(options).items():
        if value is not None and option not in FORMATS[name].takes:
            takers = ", ".join(other for other, entry in FORMATS.items() if option in entry.takes)
            words = f"--{option} {value}"
            if isinstance(value, bool):
                words = "--log" if value else "--linear"
            raise UsageError(f"{words}: means nothing to {name}, only to {takers}; leave it out")


def check_extra(module: str, format_name: str, extra: str) -> None:
    """Refuse a format whose optional library is missing.

    Args:
        module: the library's module.
        format_name: a format in ``FORMATS``.
        extra: the extra that brings the library.

    Raises:
        UsageError: with the command that installs it.
    """
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"--to {format_name}: needs {module.partition('.')[0]} ({error}); "
            f"pip install 'landscape-cli[{extra}]'"
        ) from None
