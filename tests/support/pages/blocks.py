"""The blocks of a documentation page, with the comments above them that say how they are tested."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]

MARKS = (
    "needs",
    "not run",
    "page not run",
    "prepared",
    "file",
    "numbers vary",
    "page numbers vary",
    "output varies",
)
"""Comments such as ``<!-- needs: demo -->``; see CONTRIBUTING.md."""

REASONS = ("not run", "page not run", "page numbers vary", "output varies")
"""Marks that must say why."""

PART = re.compile(
    r"<!-- *(?P<mark>(?:needs|prepared|file|output varies|(?:page )?(?:not run|numbers vary))\b"
    r".*?) *-->"
    r"|^```(?P<kind>\w+)\n(?P<text>.*?)^```",
    re.M | re.S,
)

KINDS = ("console", "python", "yaml")
"""Languages of the blocks that are tested."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Args:
        page: the page's path from the root.
        line: number of the block's first line.
        kind: the language.
        text: what is inside.
        marks: by kind, what the comments directly above it say.
    """

    page: str
    line: int
    kind: str
    text: str
    marks: dict[str, str]

    @property
    def entries(self) -> list[tuple[str, str]]:
        """The commands of a console block, for a shell, and the output shown below each."""
        found: list[tuple[list[str], list[str]]] = []
        for line in self.text.splitlines(keepends=True):
            if found and not found[-1][1] and _goes_on("".join(found[-1][0]), line):
                found[-1][0].append(line.removeprefix("> "))
            elif line.startswith("$ "):
                found.append(([line.removeprefix("$ ")], []))
            else:
                found[-1][1].append(line)
        return [("".join(command).strip(), "".join(output)) for command, output in found]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def _goes_on(command: str, line: str) -> bool:
    """Tell whether a line belongs to the command before it."""
    if command.endswith("\\\n") or line.startswith("> "):
        return True
    try:
        shlex.split(command, comments=True)
    except ValueError:  # within quotes
        return True
    return False


@dataclass
class Session:
    """Blocks that are run one after another in one folder.

    Args:
        page: the page's path from the root.
        needs: names of what is prepared in the folder.
        blocks: the blocks, in order.
    """

    page: str
    needs: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text of all blocks that are run."""
        return "\n".join(block.text for block in self.blocks if "not run" not in block.marks)

    def __str__(self) -> str:
        where = f":{self.blocks[0].line}" if self.blocks else ""
        return self.page + where


def read_sessions(page: str) -> list[Session]:
    """Read a page's tested blocks, divided where a comment says what is needed."""
    return sessions((ROOT / page).read_text(), page)


def sessions(text: str, page: str = "page.md") -> list[Session]:
    """Parse a page's tested blocks.

    Raises:
        ValueError: if a comment gives no reason, or stands above no block.
    """
    found = [Session(page)]
    marks: dict[str, str] = {}
    everywhere: dict[str, str] = {}
    end = 0
    for part in PART.finditer(text):
        between = text[end : part.start()]
        end = part.end()
        if marks and between.strip():
            raise ValueError(f"{page}: no block follows <!-- {', '.join(marks)} --> directly")
        if part["kind"] is not None:
            line = text[: part.start("text")].count("\n") + 1
            if part["kind"] in KINDS:
                block = Block(page, line, part["kind"], part["text"], {**everywhere, **marks})
                found[-1].blocks.append(block)
            marks = {}
            continue
        kind, _, words = " ".join(part["mark"].split()).partition(":")
        if kind not in MARKS or (kind in REASONS and not words.strip()):
            raise ValueError(f"{page}: <!-- {part['mark']} -->: expected a reason after a colon")
        if kind.startswith("page "):
            everywhere[kind.removeprefix("page ")] = words.strip()
        elif kind == "needs":
            needs = tuple(one.strip() for one in words.split(",") if one.strip() != "nothing")
            found.append(Session(page, needs))
        else:
            marks[kind] = words.strip()
    if marks:
        raise ValueError(f"{page}: no block follows <!-- {', '.join(marks)} -->")
    return [session for session in found if session.blocks]
