"""The place of trained weights: a path, the entry in it, and the prefix of their names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

SEPARATOR = "::"
"""Separates a path from the key of an entry, as in ``net.pt::model_ema``."""

FIELDS = ("path", "key", "prefix")

_SLICE = re.compile(r"(?P<path>.+?)::(?P<key>-?[0-9]*:-?[0-9]*(?::-?[0-9]*)?)", re.DOTALL)
"""A path with the slice of a recording's steps, whose own colons do not separate."""


@dataclass(frozen=True)
class CheckpointPath(os.PathLike[str]):
    """A checkpoint: a file or folder, and which of its tensors are the weights.

    Args:
        path: the file or folder, or a pattern.
        key: dotted key of the entry with the weights, such as ``model_ema``; of a recording, the
            step, or several as ``START:STOP:STEP``; chosen if None.
        prefix: prefix of the names to take, which is removed from them; all names if None, or
            empty in a mapping.

    Example:
        >>> CheckpointPath.parse("runs/net.pt::model_ema")
        CheckpointPath(path='runs/net.pt', key='model_ema', prefix=None)
        >>> str(CheckpointPath.parse({"path": "runs/net.pt", "key": "model_ema"}))
        'runs/net.pt::model_ema'
    """

    path: str
    key: str | None = None
    prefix: str | None = None

    @classmethod
    def parse(cls, value: Any) -> CheckpointPath:
        """Read ``PATH``, ``PATH::KEY`` or a mapping with path, key and prefix.

        Text that names an existing file is a path, even if it contains ``::``; so is the path of a
        mapping.

        Raises:
            ValueError: for anything else.
        """
        if isinstance(value, CheckpointPath):
            return value
        if isinstance(value, Mapping):
            return cls._of_mapping(value)
        if not isinstance(value, str | os.PathLike):
            raise _wrong(value)
        text = os.fspath(value)
        if SEPARATOR not in text or os.path.exists(text):
            return cls(text)
        if found := _SLICE.fullmatch(text):
            return cls(found["path"], found["key"])
        path, _, key = text.rpartition(SEPARATOR)
        if os.sep in key:  # the separator belongs to the name of a folder
            return cls(text)
        if not path or not key:
            raise _wrong(value)
        return cls(path, key)

    @classmethod
    def _of_mapping(cls, value: Mapping[Any, Any]) -> CheckpointPath:
        known = {field: value.get(field) for field in FIELDS}
        if known["prefix"] == "":
            known["prefix"] = None
        texts = all(one is None or (isinstance(one, str) and one) for one in known.values())
        if not texts or known["path"] is None or set(value) - set(FIELDS):
            raise _wrong(value)
        prefix = known["prefix"]
        if prefix is not None and not prefix.endswith("."):
            prefix += "."
        return cls(known["path"], known["key"], prefix)

    def as_plain(self) -> str | dict[str, str]:
        """Return a form for configurations that ``parse`` reads as the same, without any file."""
        if self.key is None and self.prefix is None and SEPARATOR not in self.path:
            return self.path
        fields = {field: getattr(self, field) for field in FIELDS}
        return {field: value for field, value in fields.items() if value is not None}

    def as_fields(self) -> dict[str, str]:
        """Return path, key and prefix as text, as far as there are any, for ``parse``."""
        plain = self.as_plain()
        if isinstance(plain, str):
            return {"path": plain}
        return plain if len(plain) > 1 else {**plain, "prefix": ""}

    def at(self, path: str) -> CheckpointPath:
        """Return the same entry of another file."""
        return CheckpointPath(path, self.key, self.prefix)

    @property
    def real(self) -> tuple[str, str | None, str | None]:
        """The real path, key and prefix: equal for two paths of the same weights."""
        return os.path.realpath(self.path), self.key, self.prefix

    @property
    def stem(self) -> str:
        """A short name: the file's stem, and the key."""
        return PurePath(self.path).stem + self._suffix()

    def __fspath__(self) -> str:
        """Return the path of the file or folder."""
        return self.path

    def __str__(self) -> str:
        """Return the path, with the key if there is one."""
        return self.path + self._suffix()

    def _suffix(self) -> str:
        return "" if self.key is None else SEPARATOR + self.key


def identity(facts: Mapping[str, Any] | None) -> str | None:
    """Return the SHA-256 of a file's ``checkpoint`` section, with its key and prefix, as one text.

    Args:
        facts: the provenance's ``checkpoint``: ``path``, ``sha256`` and perhaps ``key`` and
            ``prefix``; None without a checkpoint.
    """
    if not facts or facts.get("sha256") is None:
        return None
    parts = (facts["sha256"], facts.get("key") or "", facts.get("prefix") or "")
    return SEPARATOR.join(map(str, parts)).rstrip(":")


def _wrong(value: Any) -> ValueError:
    return ValueError(
        f"expected PATH, PATH::KEY or {{path: ..., key: ..., prefix: ...}}, got {value!r}"[:200]
    )
