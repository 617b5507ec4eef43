"""Checksums of a file's arrays and attributes, in one table that the file itself holds.

HDF5's own checksum, fletcher32, covers the stored bytes of an array, and every reader checks it. It
covers neither the tables by which HDF5 finds these bytes, nor names, types, shapes and attributes,
nor scalars and empty arrays. So the root's attribute ``checksums``, a JSON object, has

    arrays       dtype, shape and CRC-32 of each array by path, such as "<f8 (51,) 1f2e3d4c"
    attributes   SHA-256 of each attribute by its owner's path, "" for the root, and its name
    sha256       SHA-256 of the two above

What the table does not list was not written by this program, and is not checked.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

ATTRIBUTE = "checksums"
"""Attribute of the root that holds the table."""

TEXT = "OSU"
"""Kinds of dtype that hold text."""


@dataclass
class Table:
    """The checksums of a file.

    Args:
        arrays: by path, an array's ``entry``.
        attributes: by the path of their owner and by name, the ``digest`` of attributes.
    """

    arrays: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def parse(cls, content: Any) -> Table:
        """Read a table from its JSON object.

        Raises:
            ValueError: if the table itself is damaged.
        """
        try:
            table = cls(dict(content["arrays"]), {**content["attributes"]})
            intact = content["sha256"] == table._sha256()
        except (KeyError, TypeError, ValueError):
            intact = False
        if not intact:
            raise ValueError(f"attribute {ATTRIBUTE} does not match its own checksum")
        return table

    def text(self) -> str:
        """Return the table as JSON."""
        return json.dumps(
            {"arrays": self.arrays, "attributes": self.attributes, "sha256": self._sha256()}
        )

    def below(self, group: str) -> set[str]:
        """Return the names of the groups and arrays that it lists directly below a group."""
        start = f"{group}/" if group else ""
        return {
            path[len(start) :].split("/", 1)[0] for path in self.arrays if path.startswith(start)
        }

    def _sha256(self) -> str:
        content = json.dumps([self.arrays, self.attributes], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def entry(dtype: np.dtype[Any], shape: tuple[int, ...], checksum: int) -> str:
    """Return the entry of an array whose CRC-32 is known."""
    return f"{'text' if dtype.kind in TEXT else dtype.str} {shape} {checksum:08x}"


def crc(array: NDArray[Any], before: int = 0) -> int:
    """Return the CRC-32 of an array's entries, continued from that of the entries before them."""
    return zlib.crc32(_content(array), before)


def digest(value: Any) -> str:
    """Return the SHA-256 of an attribute's value, as h5py reads it."""
    if isinstance(value, str):
        return hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()
    array = np.asarray(value)
    head = f"{array.dtype.str} {array.shape} ".encode()
    return hashlib.sha256(head + bytes(_content(array))).hexdigest()


def _content(array: NDArray[Any]) -> bytes | memoryview:
    """Return an array's bytes, or those of its texts, each ended by a zero."""
    if array.dtype.kind not in TEXT:
        return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
    texts = array.reshape(-1).tolist()
    return b"".join(one.encode() + b"\0" if isinstance(one, str) else one + b"\0" for one in texts)
