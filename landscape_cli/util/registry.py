"""Registries: the pydantic models of a configuration's kinds, by import path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from landscape_cli.errors import UsageError
from landscape_cli.util.class_paths import loaded

Model = TypeVar("Model", bound=BaseModel)

Registry = Mapping[str, "str | type[Model]"]
"""The model of each kind, as an import path ``module:Class`` that is imported only when used, or,
for kinds that a program adds at run time, as a class."""


def build_from_section(
    registry: Registry[Model], section: Mapping[str, Any], key: str, default: str
) -> Model:
    """Validate a section of a configuration with the model of its kind.

    Args:
        registry: the kinds.
        section: ``kind`` and that kind's own settings.
        key: the section's place in the configuration, for messages, such as "directions.x".
        default: the kind of a section that names none.

    Raises:
        UsageError: for an unknown kind or setting, or a value of a wrong type.
    """
    kind = section.get("kind", default)
    if not isinstance(kind, str) or kind not in registry:
        raise UsageError(f"{key}.kind: got {kind!r}, expected one of {', '.join(registry)}")
    target = loaded(registry[kind])
    try:
        return target(**section)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([key, *(str(part) for part in first["loc"])])
        got = "" if first["type"] == "missing" else f", got {first['input']!r}"
        raise UsageError(f"{place}: {first['msg']}{got}") from None
