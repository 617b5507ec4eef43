"""Output of ``landscape describe`` and ``landscape info`` for diffusion files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from landscape_cli.cli.output import say, say_json
from landscape_cli.errors import UsageError


def is_diffusion(file: str) -> bool:
    """Return whether a file is one of ``landscape diffusion``."""
    from landscape_cli.store.file_kind import DIFFUSION, file_kind

    return file_kind(Path(file)) == DIFFUSION


def describe_diffusion_file(file: str, as_json: bool) -> None:
    """Print a map's numbers beside those of random walks.

    Raises:
        UsageError: if the map is not computed yet.
    """
    from landscape_cli.records.dynamics.diffusion_summary import numbers_facts, numbers_lines
    from landscape_cli.store.diffusion_file import read_diffusion

    record = read_diffusion(file)
    if not record.complete:
        raise UsageError(f"{file}: its map is not computed yet; run landscape diffusion")
    show(file, as_json, numbers_facts(record), numbers_lines(record))


def show_diffusion_file(file: str, as_json: bool) -> None:
    """Print what a file holds, and how much of it is computed."""
    from landscape_cli.records.dynamics.diffusion_summary import (
        progress_facts,
        progress_lines,
    )
    from landscape_cli.store.diffusion_file import read_diffusion

    record = read_diffusion(file)
    show(file, as_json, progress_facts(record), progress_lines(record))


def show(file: str, as_json: bool, facts: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Print facts as JSON, or lines."""
    name = os.path.abspath(file)
    if as_json:
        say_json(finite({"file": name, **facts}))
    else:
        say(name, *lines)


def finite(value: Any) -> Any:
    """Replace infinities and NaN by strings, since JSON has no numbers for them."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value
