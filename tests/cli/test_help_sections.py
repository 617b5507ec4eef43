"""Headings in the help of every command."""

import re

import click
import pytest
from click.testing import CliRunner

from landscape_cli.cli import COMMANDS, cli
from landscape_cli.cli.help_sections import Section, SectionCommand

MAX_FLAT_OPTIONS = 10
"""Maximum number of options, including `--help`, of a command without headings."""


def shown_options(text):
    """Return the long names of the options under each heading of a help text."""
    sections, heading = {}, None
    for line in text.splitlines():
        if re.fullmatch(r"\S.*:", line):
            heading = line.removesuffix(":")
        elif heading and (option := re.match(r"  (?:-\w, )?(--[\w-]+)", line)):
            sections.setdefault(heading, []).append(option[1])
    return sections


def long_options(command):
    """Return the first long name of each option of a command."""
    parameters = command.get_params(click.Context(command, help_option_names=["-h", "--help"]))
    options = [parameter for parameter in parameters if isinstance(parameter, click.Option)]
    return [next(name for name in option.opts if name.startswith("--")) for option in options]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_every_option_once_under_a_heading(name):
    command = cli.get_command(None, name)
    sections = shown_options(CliRunner().invoke(cli, [name, "--help"]).output)
    shown = [option for options in sections.values() for option in options]
    assert sorted(shown) == sorted(long_options(command))
    if isinstance(command, SectionCommand):
        assert len(sections) > 2
        assert sections["Other options"] == ["--debug", "--help"]
    else:
        assert list(sections) == ["Options"]
        assert len(shown) <= MAX_FLAT_OPTIONS


def test_an_option_without_a_section_is_shown_after_the_others():
    section = Section("What to make")

    @click.command(cls=SectionCommand)
    @click.option("--plain", help="Not in any section.")
    @section.option("--first", help="In a section.")
    @Section("How").option("--other", help="In another.")
    @section.option("--second", help="Also in the first.")
    def command():
        """Make something."""

    output = CliRunner().invoke(command, ["--help"]).output
    assert list(shown_options(output).items()) == [
        ("What to make", ["--first", "--second"]),
        ("How", ["--other"]),
        ("Other options", ["--plain", "--help"]),
    ]
    texts = ("Not in", "In a section", "In another", "Also in")
    columns = {line.find(text) for line in output.splitlines() for text in texts} - {-1}
    assert len(columns) == 1
