"""YAML as configurations are written in it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from landscape_cli.errors import UsageError


def load_yaml(text: str | bytes, source: str) -> Any:
    """Read YAML, with numbers such as 1e-3 as numbers.

    Raises:
        UsageError: if the text is not YAML.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UsageError(f"{source}: not valid YAML{place}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{source}: not valid YAML: {brief(error)}") from None


def dump_yaml(value: Any) -> str:
    """Write YAML that ``load_yaml`` reads as the same value; the keys keep their order.

    Raises:
        yaml.YAMLError: for objects that YAML has no form for.
    """
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False)


def brief(value: Any) -> str:
    """A value, or an error's words, on one short line."""
    text = " ".join((str(value) if isinstance(value, Exception) else repr(value)).split())
    return text if len(text) <= 100 else text[:97] + "..."


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as PyYAML reads it, but 1e-3 is a number as in YAML 1.2."""


class _Dumper(yaml.SafeDumper):
    """Quotes texts that the loader would read as numbers."""


for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
        list("-+0123456789"),
    )
