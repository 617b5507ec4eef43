"""Writer of VTK XML files, which ParaView and VTK's own readers open.

An XML header lists the arrays and their offsets; the arrays follow as raw little-endian bytes, each
preceded by its length in bytes as an unsigned 64-bit integer ("appended", "raw" in the VTK file
formats section of the VTK User's Guide).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

TYPES = {"f8": "Float64", "i4": "Int32", "i8": "Int64", "u1": "UInt8"}
"""VTK's names of the number types."""


@dataclass(frozen=True)
class Array:
    """An array that is generated block by block while it is written, so that it may be large.

    Args:
        name: its name in the file.
        kind: its number type, a key of ``TYPES``.
        rows: number of points or cells.
        blocks: generates its numbers in one or more blocks.
        components: numbers per row.
    """

    name: str
    kind: str
    rows: int
    blocks: Callable[[], Iterable[NDArray[Any]]]
    components: int = 1

    @classmethod
    def of(cls, name: str, values: NDArray[Any], kind: str = "f8") -> Array:
        """Wrap an array in memory, of shape (rows,) or (rows, components)."""
        components = values.shape[1] if values.ndim == 2 else 1
        return cls(name, kind, len(values), lambda: [values], components)

    @property
    def bytes(self) -> int:
        """Size in the file, without the preceding length."""
        return self.rows * self.components * int(self.kind[1])

    def tag(self, offset: int) -> str:
        """Return its tag in the header."""
        return (
            f'<DataArray type="{TYPES[self.kind]}" Name={quoteattr(self.name)} '
            f'NumberOfComponents="{self.components}" format="appended" offset="{offset}"/>'
        )


def write_vtk(
    path: Path,
    kind: str,
    piece: Mapping[str, object],
    sections: Mapping[str, Sequence[Array]],
    whole: Mapping[str, object] | None = None,
) -> None:
    """Write a data set of one piece.

    Args:
        path: the file.
        kind: VTK's type of data set, ``PolyData`` or ``StructuredGrid``.
        piece: the piece's attributes.
        sections: the arrays of each section, such as ``Points`` and ``PointData``. Programs colour
            by the first array of ``PointData``.
        whole: the data set's attributes.
    """
    arrays = [array for members in sections.values() for array in members]
    with open(path, "wb") as file:
        file.write(_header(kind, piece, sections, whole or {}).encode())
        for array in arrays:
            file.write(np.array(array.bytes, "<u8").tobytes())
            for block in array.blocks():
                file.write(np.ascontiguousarray(block, f"<{array.kind}").data)
        file.write(b"\n</AppendedData>\n</VTKFile>\n")


def _header(
    kind: str,
    piece: Mapping[str, object],
    sections: Mapping[str, Sequence[Array]],
    whole: Mapping[str, object],
) -> str:
    """Return everything before the first array."""
    lines = [
        '<?xml version="1.0"?>',
        f'<VTKFile type="{kind}" version="1.0" byte_order="LittleEndian" header_type="UInt64">',
        f"<{kind}{_attributes(whole)}>",
        f"<Piece{_attributes(piece)}>",
    ]
    offset = 0
    for section, members in sections.items():
        coloured = {"Scalars": members[0].name} if section == "PointData" and members else {}
        lines.append(f"<{section}{_attributes(coloured)}>")
        for array in members:
            lines.append(array.tag(offset))
            offset += 8 + array.bytes
        lines.append(f"</{section}>")
    lines += ["</Piece>", f"</{kind}>", '<AppendedData encoding="raw">', "_"]
    return "\n".join(lines)


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items())
