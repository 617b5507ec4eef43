"""Writing of export files of diffusion maps, whole or not at all."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from landscape_cli.errors import UsageError
from landscape_cli.exports import Options
from landscape_cli.exports.diffusion import DIFFUSION_FORMATS
from landscape_cli.records.dynamics.diffusion import Diffusion
from landscape_cli.util.output_files import check_kind, check_output, replacing

Write = Callable[[Diffusion, str, Path, Options], None]
"""Writes a map, from a file of this name, to a file that does not exist yet."""


def export_diffusion(name: str, record: Diffusion, file: str, path: Path, options: Options) -> None:
    """Write a diffusion map to one file, which appears under its name once it is complete.

    Args:
        name: a format in ``DIFFUSION_FORMATS``.
        record: the map.
        file: its file, for messages.
        path: the file to write; an existing one is replaced.
        options: the user's choices.

    Raises:
        UsageError: if the path can't be written, the map lacks what the format holds, or an option
            does not apply to it.
    """
    if name not in DIFFUSION_FORMATS:
        formats = ", ".join(DIFFUSION_FORMATS)
        raise UsageError(f"--to {name}: {file} is a diffusion file; use one of {formats}")
    entry = DIFFUSION_FORMATS[name]
    for option, value in vars(options).items():
        if value is not None and option not in entry.takes:
            words = "--log/--linear" if option == "log" else f"--{option}"
            raise UsageError(f"{words}: does not apply to diffusion files as {name}; leave it out")
    check_output(path, [file])
    check_kind(path, entry.ending.lstrip("."))
    module, attribute = entry.target.split(":")
    write: Write = getattr(importlib.import_module(module), attribute)
    with replacing(path, entry.ending) as partial:
        write(record, file, partial, options)


def check_complete(record: Diffusion, file: str) -> None:
    """Refuse a map that is not computed yet.

    Raises:
        UsageError: if it is not.
    """
    if not record.complete:
        raise UsageError(f"{file}: its map is not computed yet; run landscape diffusion")
