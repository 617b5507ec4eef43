"""Coloured characters: a terminal's colour depth and its escape codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

Colors = NDArray[np.float64]
"""Red, green and blue from 0 to 1 in the last dimension; NaN for the terminal's own colour."""

RESET = "\x1b[0m"
"""Escape code for the terminal's own colours."""

BLOCKS = "▀⣿░┤…"
"""Characters that a terminal's encoding must support for pictures of blocks."""

CUBE = np.array([0, 95, 135, 175, 215, 255])
"""Levels of red, green and blue in the 256-colour palette, whose colour cube starts at 16."""

GREYS = 8 + 10 * np.arange(24)
"""Levels of the greys in the 256-colour palette, which start at 232."""


class Depth(Enum):
    """Colour depth of a terminal."""

    PLAIN = "plain characters"
    FEW = "256 colours"
    FULL = "24 bits"


def depth_of(stream: TextIO, environment: Mapping[str, str]) -> Depth:
    """Return the colour depth of a stream.

    It is plain if the stream is not a terminal, its encoding lacks block characters, NO_COLOR is
    set, or TERM is dumb. FORCE_COLOR makes any stream count as a terminal. COLORTERM identifies
    terminals with 24-bit colour.
    """
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return Depth.PLAIN
    if not (stream.isatty() or environment.get("FORCE_COLOR")):
        return Depth.PLAIN
    try:
        BLOCKS.encode(stream.encoding or "ascii")
    except (UnicodeError, LookupError):
        return Depth.PLAIN
    full = environment.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    return Depth.FULL if full else Depth.FEW


@dataclass(frozen=True)
class Cells:
    """A grid of coloured characters.

    Args:
        characters: one for each cell, of shape (rows, columns).
        front: foreground colours, of shape (rows, columns, 3); NaN for the terminal's own.
        back: background colours, of the same shape.
    """

    characters: NDArray[np.str_]
    front: Colors
    back: Colors

    @classmethod
    def blank(cls, rows: int, columns: int) -> Cells:
        """Return spaces in the terminal's own colours."""
        none = np.full((rows, columns, 3), np.nan)
        return cls(np.full((rows, columns), " "), none, none.copy())

    def put(self, row: int, column: int, character: str, color: Colors | None = None) -> None:
        """Replace a character and its colour, but keep the background.

        Without a colour, choose black or white by contrast with the background.
        """
        self.characters[row, column] = character
        if color is None:
            back = self.back[row, column]
            color = contrast(back) if np.isfinite(back).all() else np.full(3, np.nan)
        self.front[row, column] = color

    def lines(self, depth: Depth) -> list[str]:
        """Return the rows as text with escape codes."""
        if depth is Depth.PLAIN:
            return ["".join(row).rstrip() for row in self.characters]
        front, back = (_codes(colors, depth) for colors in (self.front, self.back))
        return [_line(*row, depth) for row in zip(self.characters, front, back, strict=True)]


def contrast(color: Colors) -> Colors:
    """Return black or white, whichever is legible on a colour."""
    return np.zeros(3) if color @ [0.299, 0.587, 0.114] > 0.5 else np.ones(3)


def colored(text: str, color: Colors, depth: Depth) -> str:
    """Return a text in a colour."""
    cells = Cells.blank(1, len(text))
    cells.characters[0] = list(text)
    cells.front[0] = color
    return cells.lines(depth)[0]


def _line(
    characters: NDArray[np.str_], front: NDArray[np.int64], back: NDArray[np.int64], depth: Depth
) -> str:
    """Return one row, with escape codes only where colours change."""
    parts, current = [], (-1, -1)
    for character, *new in zip(characters.tolist(), front.tolist(), back.tolist(), strict=True):
        if tuple(new) != current:
            parts.append(RESET + _escape(new[0], 38, depth) + _escape(new[1], 48, depth))
            current = (new[0], new[1])
        parts.append(character)
    return "".join(parts) + RESET


def _escape(code: int, layer: int, depth: Depth) -> str:
    """Return the escape code of a colour for the foreground (38) or background (48)."""
    if code < 0:
        return ""
    if depth is Depth.FEW:
        return f"\x1b[{layer};5;{code}m"
    return f"\x1b[{layer};2;{code >> 16};{code >> 8 & 255};{code & 255}m"


def _codes(colors: Colors, depth: Depth) -> NDArray[np.int64]:
    """Return a code for each colour (..., 3), of shape (...); -1 for the terminal's own."""
    none = np.asarray(np.isnan(colors).any(axis=-1))
    bytes_ = np.rint(255 * np.where(none[..., None], 0, np.clip(colors, 0, 1))).astype(np.int64)
    if depth is Depth.FULL:
        codes = bytes_ @ np.array([1 << 16, 1 << 8, 1])
    else:
        codes = _nearest_of_256(bytes_)
    return np.where(none, -1, codes)


def _nearest_of_256(colors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nearest colours of the 256-colour palette."""
    steps = np.abs(colors[..., None] - CUBE).argmin(axis=-1)
    grey = np.abs(colors.mean(axis=-1, keepdims=True) - GREYS).argmin(axis=-1)
    off_cube = ((CUBE[steps] - colors) ** 2).sum(axis=-1)
    off_grey = ((GREYS[grey][..., None] - colors) ** 2).sum(axis=-1)
    codes: NDArray[np.int64] = np.where(
        off_grey < off_cube, 232 + grey, 16 + steps @ np.array([36, 6, 1])
    )
    return codes
