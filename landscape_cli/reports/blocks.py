"""The parts that sections of a report are made of: paragraphs, figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landscape_cli.reports.html import Html, lines, tag

if TYPE_CHECKING:
    from landscape_cli.reports.material import Material, Source


@dataclass(frozen=True)
class Drawing:
    """The content of a figure.

    Args:
        pictures: a figure of matplotlib, or several that stand side by side where there is room.
        caption: a paragraph below them.
        names: a name for each of several, such as that of the split.
    """

    pictures: Sequence[Any]
    caption: str
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Figure:
    """A figure, which is drawn when the page is written.

    Args:
        name: a word for it, for progress and messages, such as "contours".
        draw: draws it in a style of ``STYLES``.
        spatial: whether it is drawn in three dimensions, as pixels then.
    """

    name: str
    draw: Callable[[str], Drawing]
    spatial: bool = False


@dataclass(frozen=True)
class Table:
    """A table whose rows begin with their heading.

    Args:
        caption: a sentence or two above it.
        head: headings of the columns; none if the rows explain themselves.
        rows: for each row its heading and the other cells.
    """

    caption: str
    head: Sequence[object]
    rows: Sequence[Sequence[object]]


Block = Html | Figure | Table


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Args:
        title: its heading.
        blocks: returns its content, nothing if the files for it are not there.
        absent: what is missing then, such as "spectrum"; empty if nothing is.
        command: a command that makes it, with ``{config}`` for the configuration and ``{stem}`` for
            the output file without its extension.
        appendix: whether it follows everything about the network itself.
    """

    title: str
    blocks: Callable[[Material], Sequence[Block]]
    absent: str = ""
    command: str = ""
    appendix: bool = False


def paragraph(*parts: object) -> Html:
    """Return a paragraph."""
    return tag("p", *parts)


def remark(*parts: object) -> Html:
    """Return a paragraph that must not be overlooked."""
    return tag("p", *parts, class_="remark")


def shown(
    reading: str, sources: Iterable[Source], show: Callable[[Source], Iterable[Block]]
) -> list[Block]:
    """Return what is shown of some files, after a paragraph on how to read it.

    Args:
        reading: the paragraph.
        sources: the files.
        show: returns the blocks of one file.

    Returns:
        Nothing if nothing of any file is shown.
    """
    found = [block for source in sources for block in show(source)]
    return [paragraph(reading), *found] if found else []


def incomplete(source: Source, text: str) -> Html:
    """Return a remark on what a file lacks."""
    return remark(f"{source.name} is incomplete: {text}.")


def heading(title: object) -> Html:
    """Return a heading below that of the section."""
    return tag("h3", title)


def code(text: object) -> Html:
    """Return a command or name as code."""
    return tag("code", text)


def explained(value: Sequence[str], reading: str) -> Html:
    """Return a cell with lines of values, and below them how to read them."""
    words = [tag("div", reading, class_="reading")] if reading else []
    return Html("".join([tag("div", lines(*value), class_="value"), *words]))
