"""The gallery's page: the commands that it shows, and the pictures below them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FOLDER = "images/gallery"
"""Where the pictures are, beside the page."""

PARTS = re.compile(rf"```console\n(?P<block>.*?)```|!\[[^\]]*\]\({FOLDER}/(?P<image>[^)]+)\)", re.S)

ENTRY = re.compile(r"^\$ ((?:.*\\\n)*.*(?:\n> .*)*)\n((?:(?!\$ ).*\n)*)", re.M)
"""A command, which may go on with > or after a backslash, and what it prints."""


@dataclass(frozen=True)
class Block:
    """A block of commands.

    Args:
        entries: each command, as it is typed, and what the page says that it prints.
        images: file names of the pictures below the block, down to the next one.
    """

    entries: tuple[tuple[str, str], ...]
    images: tuple[str, ...]

    @property
    def commands(self) -> list[str]:
        """The commands, for a shell."""
        return [command.replace("\n> ", "\n") for command, _ in self.entries]


def blocks(text: str) -> list[Block]:
    """A page's blocks of commands, in order.

    Args:
        text: the page, in Markdown.
    """
    found: list[tuple[str, list[str]]] = []
    for part in PARTS.finditer(text):
        if part["image"] is None:
            found.append((part["block"], []))
        elif found:
            found[-1][1].append(part["image"])
    return [Block(tuple(ENTRY.findall(block)), tuple(images)) for block, images in found]


def renewed(text: str, output_of: Callable[[str], str | None]) -> str:
    """The page with what its commands print now, where it shows anything.

    Args:
        text: the page, in Markdown.
        output_of: what a command printed, or None if it was not run.
    """

    def entry(found: re.Match[str]) -> str:
        output = output_of(found[1].replace("\n> ", "\n")) if found[2] else None
        return found[0] if output is None else f"$ {found[1]}\n{output}"

    def part(found: re.Match[str]) -> str:
        return found[0] if found["block"] is None else ENTRY.sub(entry, found[0])

    return PARTS.sub(part, text)


def read(path: Path) -> list[Block]:
    """The blocks of a page's file."""
    return blocks(path.read_text(encoding="utf-8"))
