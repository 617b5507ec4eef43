"""Commands whose help groups the options under headings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])

NO_SECTION = "Other options"
"""Heading of the options that name no section, `--help` among them."""

TERM_WIDTH = 24
"""Maximum width of the column of options, in characters; help of longer ones starts a new line."""


class SectionOption(click.Option):
    """An option with the heading under which help shows it.

    Args:
        arguments: as of ``click.Option``.
        heading: the heading.
        attributes: as of ``click.Option``.
    """

    def __init__(self, *arguments: Any, heading: str, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.heading = heading


@dataclass(frozen=True)
class Section:
    """A section of a command's help.

    Args:
        heading: its title.
    """

    heading: str

    def option(self, *names: str, **attributes: Any) -> Callable[[Function], Function]:
        """Add an option of this section to a command, as ``click.option`` does."""
        return click.option(*names, cls=SectionOption, heading=self.heading, **attributes)


class SectionCommand(click.Command):
    """A command whose help groups its options by section, in the order of their first options."""

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings, those without a section last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        unsectioned = []
        for parameter in self.get_params(context):
            row = parameter.get_help_record(context)
            if row is None or not isinstance(parameter, click.Option):
                continue
            if isinstance(parameter, SectionOption):
                sections.setdefault(parameter.heading, []).append(row)
            else:
                unsectioned.append(row)
        sections[NO_SECTION if sections else "Options"] = unsectioned
        terms = [term for rows in sections.values() for term, _ in rows]
        width = min(TERM_WIDTH, max(map(len, terms), default=0))
        for heading, rows in sections.items():
            if rows:
                with formatter.section(heading):
                    aligned = [(term.ljust(width), text) for term, text in rows]
                    formatter.write_dl(aligned, col_max=width)
