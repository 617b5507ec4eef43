"""Parser of the gallery's page: its commands, and the pictures below them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = "images/gallery"
"""Folder of the pictures, relative to the page."""

PARTS = re.compile(rf"```console\n(?P<block>.*?)```|!\[[^\]]*\]\({FOLDER}/(?P<image>[^)]+)\)", re.S)

ENTRY = re.compile(r"^\$ ((?:.*\\\n)*.*(?:\n> .*)*)\n((?:(?!\$ ).*\n)*)", re.M)
"""A command, which may continue with > or after a backslash, and its output."""


@dataclass(frozen=True)
class Block:
    """A block of commands.

    Args:
        entries: each command as it is typed, and the output shown on the page.
        images: file names of the pictures between this block and the next.
    """

    entries: tuple[tuple[str, str], ...]
    images: tuple[str, ...]

    @property
    def commands(self) -> list[str]:
        """The commands, for a shell."""
        return [command.replace("\n> ", "\n") for command, _ in self.entries]


def blocks(text: str) -> list[Block]:
    """Parse a page's blocks of commands, in order.

    Args:
        text: the page, in Markdown.
    """
    parsed: list[tuple[str, list[str]]] = []
    for part in PARTS.finditer(text):
        if part["image"] is None:
            parsed.append((part["block"], []))
        elif parsed:
            parsed[-1][1].append(part["image"])
    return [Block(tuple(ENTRY.findall(block)), tuple(images)) for block, images in parsed]


def renewed(text: str, output_of: Callable[[str], str | None]) -> str:
    """Update the outputs shown on a page.

    Args:
        text: the page, in Markdown.
        output_of: returns what a command printed, or None if it was not run.
    """

    def renew_entry(match: re.Match[str]) -> str:
        output = output_of(match[1].replace("\n> ", "\n")) if match[2] else None
        return match[0] if output is None else f"$ {match[1]}\n{output}"

    def renew_part(match: re.Match[str]) -> str:
        return match[0] if match["block"] is None else ENTRY.sub(renew_entry, match[0])

    return PARTS.sub(renew_part, text)


def read(path: Path) -> list[Block]:
    """Read the blocks of a page."""
    return blocks(path.read_text(encoding="utf-8"))
