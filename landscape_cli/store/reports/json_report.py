"""JSON files with a format and a version; numbers that are not finite are texts in them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from landscape_cli.errors import StoreError
from landscape_cli.store.atomic_write import Check, publish_text, unchecked
from landscape_cli.store.hdf5.json_text import load_json

Record = TypeVar("Record")


@dataclass(frozen=True)
class Report:
    """A kind of report.

    Args:
        format: the text that names it in its files.
        version: the newest version of its files that this program knows.
        kind: what messages call such a file, such as "sharpness file".
    """

    format: str
    version: int
    kind: str

    def head(self) -> dict[str, Any]:
        """Return the first entries of a file."""
        return {"format": self.format, "format_version": self.version}

    def write(self, path: Path, facts: Mapping[str, Any], check: Check = unchecked) -> None:
        """Write a report, and replace an earlier one in one step.

        Raises:
            StoreError: if the file can't be written.
        """
        text = json.dumps(facts, indent=1, default=str, allow_nan=False)
        publish_text(path, f"{text}\n", check)

    def read(
        self,
        path: str | os.PathLike[str],
        key: str,
        build: Callable[[Mapping[str, Any]], Record],
    ) -> Record:
        """Read a report.

        Args:
            path: the file.
            key: the option that names it, for messages.
            build: makes a record of its facts; any of the usual errors means a damaged file.

        Raises:
            StoreError: if it is missing, damaged, another file, or of a later version.
        """
        try:
            facts = load_json(Path(path).read_text(encoding="utf-8"))
            if not isinstance(facts, Mapping) or facts.get("format") != self.format:
                raise ValueError("it has no such format")
            if facts["format_version"] != self.version:
                raise StoreError(
                    f"{key}: {os.fspath(path)!r} has format_version {facts['format_version']!r}, "
                    f"and this program reads {self.version}; update it, or name another file"
                )
            return build(facts)
        except OSError as error:
            raise StoreError(
                f"{key}: can't read {os.fspath(path)!r} ({error.strerror or error}); name another "
                "file"
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            words = f"no {error} in it" if isinstance(error, KeyError) else str(error)
            raise StoreError(
                f"{key}: {os.fspath(path)!r} is no {self.kind} ({' '.join(words.split())[:100]}); "
                "name another file, or remove it"
            ) from None

    def recognizes(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether a file begins like one of these."""
        try:
            with open(path, "rb") as file:
                return self.format.encode() in file.read(200)
        except OSError:
            return False


def plain(value: Any) -> Any:
    """Return a value with texts in place of numbers that are not finite, and lists of tuples."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def mapping(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an entry that is a mapping.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(facts[name], Mapping):
        raise ValueError(f"{name} is no mapping")
    found: Mapping[str, Any] = facts[name]
    return found


def listed(facts: Mapping[str, Any], name: str) -> list[Any]:
    """Return an entry that is a list.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(facts[name], list):
        raise ValueError(f"{name} are no list")
    found: list[Any] = facts[name]
    return found


def text_of(facts: Mapping[str, Any], name: str) -> str:
    """Return an entry that is a text.

    Raises:
        ValueError: if it is none.
    """
    if not isinstance(facts[name], str):
        raise ValueError(f"{name} is no text")
    return str(facts[name])
