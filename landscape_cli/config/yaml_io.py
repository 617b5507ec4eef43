"""YAML in the dialect of configurations."""

from __future__ import annotations

import re
from typing import Any

import yaml

from landscape_cli.config.yaml_limits import CheckedNodes, check_keys, check_limits
from landscape_cli.errors import UsageError


def load_yaml(text: str | bytes, source: str) -> Any:
    """Read YAML, in which 1e-3 is a number.

    Raises:
        UsageError: if the text is not valid YAML, has a key twice, or exceeds the limits.
    """
    try:
        check_limits(text, _Loader)
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UsageError(f"{source}: not valid YAML{place}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{source}: not valid YAML: {brief(error)}") from None


def load_stored_yaml(text: str) -> Any:
    """Read the configuration that a surface file holds, which ``yaml.safe_dump`` wrote.

    Raises:
        yaml.YAMLError: if it is not valid YAML.
        ValueError: if it exceeds the limits.
    """
    check_limits(text, _StoredLoader)
    value = yaml.load(text, Loader=_StoredLoader)
    check_keys(value)
    return value


def dump_yaml(value: Any) -> str:
    """Write YAML that ``load_yaml`` reads as the same value; the keys keep their order.

    Raises:
        yaml.YAMLError: for objects that YAML can't represent.
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False)


def brief(value: Any) -> str:
    """Format a value, or an error's message, on one short line."""
    text = " ".join((str(value) if isinstance(value, Exception) else repr(value)).split())
    return text if len(text) <= 100 else text[:97] + "..."


class _StoredLoader(CheckedNodes, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads YAML 1.1, ten times as fast where PyYAML has libyaml."""


class _Loader(CheckedNodes, yaml.SafeLoader):
    """Reads YAML 1.1 as PyYAML does, but 1e-3 as a number as in YAML 1.2."""


class _Dumper(yaml.SafeDumper):
    """Quotes strings that the loader would read as numbers."""


for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
        list("-+0123456789"),
    )
