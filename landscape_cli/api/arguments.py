"""Arguments that several public functions share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from landscape_cli.errors import UsageError
from landscape_cli.records.surface import Surface


def listed_surfaces(surfaces: Surface | Sequence[Surface]) -> list[Surface]:
    """Return a list of surfaces, also of a single one."""
    return [surfaces] if isinstance(surfaces, Surface) else list(surfaces)


def refuse_unknown(function: str, names: Iterable[str], known: type[Any]) -> None:
    """Refuse keywords that are no fields of a dataclass of options.

    Raises:
        UsageError: naming the function and the first such keyword.
    """
    options = {field.name for field in fields(known)}
    for name in names:
        if name not in options:
            raise UsageError(f"{function}: there is no option {name!r}; see help({function})")


def titles_of(surfaces: Sequence[Surface]) -> list[str]:
    """Return the networks' names, numbered where several surfaces have the same."""
    found = [
        str((surface.provenance.get("network") or {}).get("name") or "surface")
        for surface in surfaces
    ]
    if len(set(found)) == len(found):
        return found
    return [f"{name} {number}" for number, name in enumerate(found, start=1)]
