"""Recording of a command's output in a terminal, and drawing of it as a picture."""

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
"""The terminal's default colours."""

QUIET = 1.0
"""Seconds without output after which a watching command has shown its first picture."""

ESCAPE = re.compile(r"\x1b\[([\d;?]*)([A-Za-z])")
LOOK = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONIOENCODING": "utf-8"}

BRAILLE = 0x2800
DOTS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
"""Column and row of the dot for each bit of a Braille character."""

Color = tuple[int, ...]


def printed(command: str, environment: Mapping[str, str], folder: Path) -> tuple[str, int]:
    """Run a command in its own terminal and record what it prints, with colour codes.

    Args:
        command: the shell command; one with ``--watch`` gets Ctrl-C when it pauses.
        environment: its environment; variables that describe the terminal are replaced.
        folder: the working directory.

    Returns:
        The output, and the exit code.
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
        except OSError:  # Linux raises this when the other side is closed
            break
        if not more:
            break
        heard += more
    os.close(ours)
    return heard.decode(), process.wait()


def _hear_ctrl_c() -> None:
    """Restore Ctrl-C, which programs in a shell's background ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Cell:
    """A character with its colours."""

    character: str
    front: Color
    back: Color


def cells(text: str) -> list[list[Cell]]:
    """Parse the rows of characters that a terminal shows, skipping all codes but colours."""
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
    """Yield pieces of text, each with the parameters and letter of the code after it."""
    start = 0
    for code in ESCAPE.finditer(line):
        yield line[start : code.start()], code[1], code[2]
        start = code.end()
    yield line[start:], "", ""


def _switched(code: str, front: Color, back: Color) -> tuple[Color, Color]:
    """Return the colours after a code, which sets a 24-bit colour or resets both."""
    match [int(number or 0) for number in code.split(";")]:
        case [38, 2, *color]:
            return tuple(color), back
        case [48, 2, *color]:
            return front, tuple(color)
        case [0]:
            return FRONT, BACK
    raise ValueError(f"unknown colour code: {code!r}")


def draw(rows: list[list[Cell]]) -> Image.Image:
    """Draw a terminal's characters as a picture."""
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
