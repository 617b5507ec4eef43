"""What a command prints in a terminal, and a picture of that."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from PIL import Image, ImageDraw, ImageFont

ROWS, COLUMNS = 46, 90
CELL = (9, 18)
"""Width and height of a character, in pixels."""

FONT_SIZE = 15
MARGIN = 12
FRONT, BACK = (230, 230, 230), (24, 24, 27)
"""The colours of a terminal in which nothing is said about them."""

QUIET = 1.0
"""Seconds without a word after which a command that watches has shown its first picture."""

ESCAPE = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])")
LOOK = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONIOENCODING": "utf-8"}

BRAILLE = 0x2800
DOTS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
"""Column and row of the dot that each bit of a Braille character stands for."""

Color = tuple[int, ...]


def printed(command: str, environment: Mapping[str, str], folder: Path) -> tuple[str, int]:
    """What a command prints in a terminal of its own, colours and all.

    Args:
        command: for the shell; one with ``--watch`` is ended by Ctrl-C when it pauses.
        environment: its variables, but for those that tell what the terminal can do.
        folder: where it runs.

    Returns:
        The text, and the exit code.
    """
    variables = {k: v for k, v in environment.items() if k not in ("NO_COLOR", "LINES", "COLUMNS")}
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        ["bash", "-ec", command],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**variables, **LOOK},
        start_new_session=True,
        preexec_fn=_hear_ctrl_c,
    )
    os.close(theirs)
    heard = b""
    waiting = "--watch" in command
    while True:
        if waiting and heard and not select.select([ours], [], [], QUIET)[0]:
            os.killpg(process.pid, signal.SIGINT)
            waiting = False
        try:
            more = os.read(ours, 65536)
        except OSError:  # Linux's way to say that the other side is closed
            break
        if not more:
            break
        heard += more
    os.close(ours)
    return heard.decode(), process.wait()


def _hear_ctrl_c() -> None:
    """Programs in a shell's background ignore it otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Cell:
    """A character with its colours."""

    character: str
    front: Color
    back: Color


def cells(text: str) -> list[list[Cell]]:
    """The rows of characters that a terminal shows; of the codes in it only colours count."""
    rows = []
    front, back = FRONT, BACK
    for line in text.replace("\r", "").split("\n"):
        row: list[Cell] = []
        for piece, code, kind in _pieces(line):
            row += [Cell(character, front, back) for character in piece]
            if kind == "m":
                front, back = _switched(code, front, back)
        rows.append(row)
    while rows and not rows[-1]:
        rows.pop()
    return rows


def _pieces(line: str) -> Iterator[tuple[str, str, str]]:
    """Text, and the parameters and letter of the code behind it."""
    start = 0
    for code in ESCAPE.finditer(line):
        yield line[start : code.start()], code[1], code[2]
        start = code.end()
    yield line[start:], "", ""


def _switched(code: str, front: Color, back: Color) -> tuple[Color, Color]:
    """The colours after a code: of 24 bits, or back to the terminal's own."""
    match [int(number or 0) for number in code.split(";")]:
        case [38, 2, *color]:
            return tuple(color), back
        case [48, 2, *color]:
            return front, tuple(color)
        case [0]:
            return FRONT, BACK
    raise ValueError(f"a code for a colour that is not known: {code!r}")


def draw(rows: list[list[Cell]]) -> Image.Image:
    """A picture of a terminal's characters."""
    width, height = CELL
    size = (2 * MARGIN + width * max(map(len, rows)), 2 * MARGIN + height * len(rows))
    image = Image.new("RGB", size, BACK)
    pencil = ImageDraw.Draw(image)
    path = Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSansMono.ttf")
    font = ImageFont.truetype(str(path), FONT_SIZE)
    for down, row in enumerate(rows):
        for across, cell in enumerate(row):
            _draw_cell(pencil, font, (MARGIN + width * across, MARGIN + height * down), cell)
    return image


def _draw_cell(pencil: ImageDraw.ImageDraw, font: object, corner: Color, cell: Cell) -> None:
    x, y = corner
    width, height = CELL
    tops = {"█": 0, "▀": 0, "▄": height // 2}
    ends = {"█": height, "▀": height // 2, "▄": height}
    pencil.rectangle((x, y, x + width - 1, y + height - 1), fill=cell.back)
    if cell.character in tops:
        top, end = tops[cell.character], ends[cell.character]
        pencil.rectangle((x, y + top, x + width - 1, y + end - 1), fill=cell.front)
    elif BRAILLE <= ord(cell.character) < BRAILLE + 256:
        for bit, (column, row) in enumerate(DOTS):
            if ord(cell.character) - BRAILLE >> bit & 1:
                left, top = x + 1 + 4 * column, y + 1 + round(4.5 * row)
                pencil.rectangle((left, top, left + 2, top + 2), fill=cell.front)
    elif cell.character != " ":
        pencil.text((x, y), cell.character, font=font, fill=cell.front)
