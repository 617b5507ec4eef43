"""Checks that a run replaces nothing but its own earlier files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.store import check_writable, directions_path
from landscape_cli.store.file_kind import DIRECTIONS, SURFACE, check_replaceable
from landscape_cli.store.locks.lock_file import lock_path
from landscape_cli.util.output_files import is_input

LONGEST = 4096
"""Upper bound on the length of a string that may name a file."""


def check_outputs(config: RunConfig, overwrite: bool) -> None:
    """Refuse an output that can't be written, or would replace something else.

    No file that the configuration names is replaced, by whatever path, and no existing file that is
    not a surface, or not directions.

    Args:
        config: the run, with the patterns of checkpoints expanded.
        overwrite: whether an existing surface may be replaced.

    Raises:
        UsageError: if the surface or its directions would replace a file that the run reads.
        StoreError: if a file can't be written, or another file is in its place.
    """
    output = config.file
    if config.checkpoint is not None and is_input(output, [os.fspath(config.checkpoint)]):
        raise UsageError(f"output: {config.output!r} is the checkpoint; name another file")
    lock, directions = lock_path(output), directions_path(output)
    for path in (output, lock, *([directions] if config.directions else [])):
        check_writable(path)
        refuse_read(path, config)
    if overwrite:
        check_replaceable(output, SURFACE)
    if config.directions:
        check_replaceable(directions, DIRECTIONS)


def refuse_config(config: RunConfig, path: str) -> None:
    """Refuse to replace the file of a configuration by the surface or its directions.

    Raises:
        UsageError: if it would be.
    """
    for written in (config.file, directions_path(config.file), lock_path(config.file)):
        if is_input(written, [path]):
            raise UsageError(f"output: {str(written)!r} is the configuration; name another file")


def refuse_read(
    path: Path, config: RunConfig, key: str = "output", inputs: Sequence[str] = ()
) -> None:
    """Refuse to write a file that a run reads.

    Args:
        path: the file to write.
        config: the run, whose configuration names files that it reads.
        key: the option that names the file, for messages.
        inputs: other files that the run reads.

    Raises:
        UsageError: if it reads the file.
    """
    if (name := is_input(path, [*inputs, *files_named(config)])) is not None:
        raise UsageError(
            f"{key}: {str(path)!r} would replace {name}, which the run reads; name another file"
        )


def is_marked(path: Path, mark: str) -> bool:
    """Tell whether a file is a checkpoint that a command has marked as its own.

    Args:
        path: the file.
        mark: the entry beside the state dict that says so.
    """
    try:
        content = torch.load(path, map_location="meta", weights_only=True)
    except Exception:  # whatever another file makes PyTorch raise
        return False
    return isinstance(content, dict) and mark in content


def files_named(config: RunConfig) -> list[str]:
    """Return every text of a configuration that names a file, except the output."""
    values = {key: value for key, value in config.model_dump().items() if key != "output"}
    names = (part for text in _texts(values) for part in (text, text.partition("::")[0]))
    return [name for name in dict.fromkeys(names) if _is_file(name)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, (str, Path)):
        yield str(value)


def _is_file(name: str) -> bool:
    try:
        return 0 < len(name) < LONGEST and Path(name).is_file()
    except (OSError, ValueError):
        return False
