"""Classes by import path, imported when they are used; apart from pydantic, which takes long."""

from __future__ import annotations

import importlib
from typing import TypeVar

Kind = TypeVar("Kind")


def loaded(target: str | type[Kind]) -> type[Kind]:
    """Return a registry's class, imported if it is an import path ``module:Class``."""
    if not isinstance(target, str):
        return target
    module, _, name = target.partition(":")
    found: type[Kind] = getattr(importlib.import_module(module), name)
    return found
