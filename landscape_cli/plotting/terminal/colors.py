"""Coloured characters: how many colours a terminal has, and the codes that switch to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

Colors = NDArray[np.float64]
"""Red, green and blue from 0 to 1 in the last dimension; NaN for none."""

RESET = "\x1b[0m"
BLOCKS = "▀⣿░┤…"
"""What a terminal's encoding has to know for pictures of blocks."""

CUBE = np.array([0, 95, 135, 175, 215, 255])
"""The steps of red, green and blue in the 256 colours; 16 is the first colour of this cube."""

GREYS = 8 + 10 * np.arange(24)
"""The greys of the 256 colours, from number 232 on."""


class Depth(Enum):
    """How much colour is possible."""

    PLAIN = "plain characters"
    FEW = "256 colours"
    FULL = "24 bits"


def depth_of(stream: TextIO, environment: Mapping[str, str]) -> Depth:
    """How much colour a stream shows.

    Plain characters if it is no terminal, its encoding lacks blocks, or NO_COLOR or TERM=dumb say
    so; FORCE_COLOR makes anything count as a terminal. COLORTERM tells terminals of 24 bits.
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
    """Characters in rows, with their colours.

    Args:
        characters: one for each cell, of shape (rows, columns).
        front: their colours, of shape (rows, columns, 3); NaN for the terminal's own.
        back: the colours behind them, likewise.
    """

    characters: NDArray[np.str_]
    front: Colors
    back: Colors

    @classmethod
    def blank(cls, rows: int, columns: int) -> Cells:
        """Spaces in the terminal's own colours."""
        none = np.full((rows, columns, 3), np.nan)
        return cls(np.full((rows, columns), " "), none, none.copy())

    def put(self, row: int, column: int, character: str, color: Colors | None = None) -> None:
        """Put a character over what is there, which goes on behind it."""
        self.characters[row, column] = character
        if color is None:
            back = self.back[row, column]
            color = contrast(back) if np.isfinite(back).all() else np.full(3, np.nan)
        self.front[row, column] = color

    def lines(self, depth: Depth) -> list[str]:
        """The rows as text."""
        if depth is Depth.PLAIN:
            return ["".join(row).rstrip() for row in self.characters]
        front, back = (_codes(colors, depth) for colors in (self.front, self.back))
        return [_line(*row, depth) for row in zip(self.characters, front, back, strict=True)]


def contrast(color: Colors) -> Colors:
    """Black or white, whichever can be seen on a colour."""
    return np.zeros(3) if color @ [0.299, 0.587, 0.114] > 0.5 else np.ones(3)


def colored(text: str, color: Colors, depth: Depth) -> str:
    """A text in a colour."""
    cells = Cells.blank(1, len(text))
    cells.characters[0] = list(text)
    cells.front[0] = color
    return cells.lines(depth)[0]


def _line(
    characters: NDArray[np.str_], front: NDArray[np.int64], back: NDArray[np.int64], depth: Depth
) -> str:
    """One row, which switches colours only where they change."""
    parts, now = [], (-1, -1)
    for character, *new in zip(characters.tolist(), front.tolist(), back.tolist(), strict=True):
        if tuple(new) != now:
            parts.append(RESET + _switch(new[0], 38, depth) + _switch(new[1], 48, depth))
            now = (new[0], new[1])
        parts.append(character)
    return "".join(parts) + RESET


def _switch(code: int, ground: int, depth: Depth) -> str:
    if code < 0:
        return ""
    if depth is Depth.FEW:
        return f"\x1b[{ground};5;{code}m"
    return f"\x1b[{ground};2;{code >> 16};{code >> 8 & 255};{code & 255}m"


def _codes(colors: Colors, depth: Depth) -> NDArray[np.int64]:
    """A number for each colour, of the shape without the last dimension; -1 for none."""
    none = np.asarray(np.isnan(colors).any(axis=-1))
    bytes_ = np.rint(255 * np.where(none[..., None], 0, np.clip(colors, 0, 1))).astype(np.int64)
    if depth is Depth.FULL:
        codes = bytes_ @ np.array([1 << 16, 1 << 8, 1])
    else:
        codes = _nearest_of_256(bytes_)
    return np.where(none, -1, codes)


def _nearest_of_256(colors: NDArray[np.int64]) -> NDArray[np.int64]:
    """The nearest of the cube's colours and the greys."""
    steps = np.abs(colors[..., None] - CUBE).argmin(axis=-1)
    grey = np.abs(colors.mean(axis=-1, keepdims=True) - GREYS).argmin(axis=-1)
    off_cube = ((CUBE[steps] - colors) ** 2).sum(axis=-1)
    off_grey = ((GREYS[grey][..., None] - colors) ** 2).sum(axis=-1)
    found: NDArray[np.int64] = np.where(
        off_grey < off_cube, 232 + grey, 16 + steps @ np.array([36, 6, 1])
    )
    return found
