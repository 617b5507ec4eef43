"""Configurations from YAML text and files, with changes from the command line."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from landscape_cli.config.overrides import put_all
from landscape_cli.config.run_config import RunConfig
from landscape_cli.config.yaml_io import brief, load_yaml
from landscape_cli.config.yaml_limits import MOST_CHARACTERS
from landscape_cli.errors import UsageError

OPENED = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
"""Beginnings of paths to what a shell has opened, such as that of <(command)."""


def parse_config(
    text: str | bytes,
    source: str,
    changes: Mapping[str, Any] | None = None,
    ranges: Mapping[str, str | None] | None = None,
    seed: int | None = None,
) -> RunConfig:
    """Read a configuration from YAML text.

    Args:
        text: the YAML document.
        source: name of the text's origin, for messages.
        changes: values by dotted key, such as ``{"directions.x.seed": 3}``, that override those of
            the text; None removes a key.
        ranges: ``MIN:MAX:N`` by axis, overriding the grid's; a new axis gets a default direction,
            "none" removes the axis, and None leaves it unchanged.
        seed: the seed of the first axis's direction, from which later axes count on.

    Raises:
        UsageError: naming the key, the value received and what was expected.
    """
    values = load_yaml(text, source)
    if not isinstance(values, dict):
        raise UsageError(f"{source}: expected keys and values, got {brief(values)}")
    put_all(values, changes or {}, ranges or {}, seed)
    return validate_config(values, source)


def validate_config(values: Mapping[str, Any], source: str) -> RunConfig:
    """Validate the keys and values of a configuration.

    Raises:
        UsageError: naming the source, the key, the value received and what was expected.
    """
    try:
        return RunConfig.model_validate(values)
    except ValidationError as error:
        raise UsageError(f"{source}: {_first_error(error, values)}") from None


def load_config(
    path: str,
    changes: Mapping[str, Any] | None = None,
    ranges: Mapping[str, str | None] | None = None,
    seed: int | None = None,
) -> RunConfig:
    """Read a configuration file; see ``parse_config``."""
    try:
        _refuse_devices(path)
        with open(path, "rb") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"CONFIG: can't read {path!r}: {reason}") from None
    return parse_config(text, path, changes, ranges, seed)


def _refuse_devices(path: str) -> None:
    """Refuse pipes and devices, which may never end, except those that the shell has opened.

    Raises:
        UsageError: if the path is one.
    """
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or path.startswith(OPENED)):
        raise UsageError(f"CONFIG: {path!r} is a pipe or device; name a file")


def _first_error(error: ValidationError, values: Mapping[str, Any]) -> str:
    """Describe the first of pydantic's errors as "key: problem", unknown keys before others."""
    first = min(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    place = ".".join(str(part) for part in first["loc"] if part != "[key]")
    if first["type"] == "extra_forbidden":
        return f"unknown key {place!r}; the keys are {', '.join(RunConfig.model_fields)}"
    message = re.sub(r"^Value error, ", "", first["msg"])
    if first["type"] == "missing":
        return f"{place}: this key is required"
    if first["type"] == "value_error":
        return f"{place}: {message}" if place else message
    got: Any = values
    for part in first["loc"]:
        got = got.get(part, part) if isinstance(got, Mapping) else got
    return f"{place}: {message}, got {brief(got)}"
