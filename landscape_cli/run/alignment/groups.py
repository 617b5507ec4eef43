"""The file of groups of channels that a user writes."""

from __future__ import annotations

from typing import Any

from landscape_cli.config.yaml_io import load_yaml
from landscape_cli.config.yaml_limits import MOST_CHARACTERS
from landscape_cli.errors import UsageError


def read_groups(path: str) -> Any:
    """Read the groups of channels from a YAML file.

    Raises:
        UsageError: if it can't be read, or is not valid YAML.
    """
    try:
        with open(path, "rb") as file:
            text = file.read(MOST_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--groups: can't read {path!r}: {reason}") from None
    return load_yaml(text, path)
