"""Pages of the commands, made from what click knows of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from landscape_cli.cli import COMMANDS, cli
from landscape_cli.cli.help_sections import NO_SECTION, SectionOption

CODE = re.compile(r"(`[^`]+`)")
OPTION = re.compile(r"(?<![\w`-])(--?[a-zA-Z][\w-]*)")
"""An option that help names."""
SIGNS = {">=": "At least", ">": "More than", "<=": "At most", "<": "Less than"}
LARGEST = 2**63 - 1
"""The largest seed, which is not worth a word."""


def command_pages() -> dict[str, str]:
    """Return the text of each command's page, and of the page that lists them, as Markdown."""
    context = click.Context(cli, info_name="landscape")
    commands = {name: cli.get_command(context, name) for name in COMMANDS}
    return {
        "index": index_page(commands),
        **{name: command_page(name, command) for name, command in commands.items()},
    }


def index_page(commands: dict[str, click.Command]) -> str:
    """List the commands with their first sentences."""
    rows = [
        f"| [`{name}`]({name}.md) | {prose(paragraphs(command.help)[0])} |"
        for name, command in commands.items()
    ]
    tree = "\n".join(commands)
    introduction = "\n\n".join(prose(one) for one in paragraphs(cli.help))
    return (
        f"# Commands\n\n{introduction}\n\nEach command has `--help`, which says what is here.\n\n"
        "| command | does |\n| --- | --- |\n" + "\n".join(rows) + "\n\n"
        f"```{{toctree}}\n:hidden:\n\n{tree}\n```\n"
    )


def command_page(name: str, command: click.Command) -> str:
    """Write a command's page: usage, text, examples, its options under their headings."""
    context = click.Context(
        command, info_name=name, parent=click.Context(cli, info_name="landscape")
    )
    usage = " ".join(["landscape", name, *command.collect_usage_pieces(context)])
    first, *others = [prose(one) for one in paragraphs(command.help)]
    epilog = list(epilog_sections(command.epilog or ""))
    examples = [one for one in epilog if one.startswith("## Example")]
    options = [f"```{{program}} landscape {name}\n```"]
    for heading, those in by_heading(command, context).items():
        options += [f"## {heading}", *(option_entry(option, context) for option in those)]
    texts = [f"# {name}", first, f"```text\n{usage}\n```", *others, *examples]
    rest = [one for one in epilog if one not in examples]
    return "\n\n".join([*texts, *options, *rest]) + "\n"


def by_heading(command: click.Command, context: click.Context) -> dict[str, list[click.Option]]:
    """Group the options as help does, those without a section last."""
    found: dict[str, list[click.Option]] = {}
    others = []
    for option in command.get_params(context):
        if not isinstance(option, click.Option) or option.hidden:
            continue
        if isinstance(option, SectionOption):
            found.setdefault(option.heading, []).append(option)
        else:
            others.append(option)
    found[NO_SECTION if found else "Options"] = others
    return {heading: those for heading, those in found.items() if those}


def option_entry(option: click.Option, context: click.Context) -> str:
    """Write one option: names and value, help, what it takes, its default."""
    term, text = option.get_help_record(context) or ("", "")
    extra = option.get_help_extra(context)
    stated = re.sub(r"\s*\[[^][]*\]$", "", text) if extra else text
    names = term.replace(" / ", ", ")
    facts = [prose(stated)]
    if isinstance(option.type, click.Choice):
        names = re.sub(r" \[.*\]$", f" {(option.name or '').upper()}", names)
        facts.append(f"One of {', '.join(f'`{one}`' for one in option.type.choices)}.")
    if "range" in extra:
        facts.append(f"{in_words(extra['range'])}.")
    if "default" in extra:
        facts.append(f"Default: `{extra['default']}`.")
    return f"```{{option}} {names}\n{' '.join(facts)}\n```"


def in_words(bounds: str) -> str:
    """Say in words what a range such as ``20<=x<=1200`` or ``x>0`` allows."""
    if bounds.startswith("x"):
        sign, number = re.match(r"x(\W+)(.+)", bounds).groups()
        return f"{SIGNS[sign]} {number}"
    low, sign, high = re.match(r"(.+)<=x(<=?)(.+)", bounds).groups()
    if high == str(LARGEST):
        return f"At least {low}"
    return f"From {low} to {'less than ' * (sign == '<')}{high}"


def epilog_sections(epilog: str) -> Iterator[str]:
    """Turn the paragraphs below the options into sections: examples, or tables of names."""
    for paragraph in paragraphs(epilog):
        title, *lines = paragraph.splitlines()
        rows = [line.strip() for line in lines]
        if title.startswith("Example"):
            rows = rows or [title.partition(": ")[2]]
            commands = "\n".join(f"$ {row}" for row in rows)
            yield f"## {title.partition(':')[0]}\n\n```console\n{commands}\n```"
            continue
        pairs = [re.split(r"\s+", row, maxsplit=1) for row in rows]
        table = "\n".join(f"| `{first}` | {prose(second)} |" for first, second in pairs)
        yield f"## {title.rstrip(':')}\n\n| name | what it is |\n| --- | --- |\n{table}"


def paragraphs(text: str | None) -> list[str]:
    r"""Divide a text of click's, whose `\b` keeps the lines of a paragraph."""
    clean = inspect.cleandoc((text or "").replace("\b\n", ""))
    return [one for one in re.split(r"\n\s*\n", clean) if one.strip()]


def prose(text: str) -> str:
    """Join the lines of help and mark what is code, as Markdown."""
    pieces = CODE.split(" ".join(text.split()))
    for place in range(0, len(pieces), 2):
        plain = re.sub(r"([*_<>\[\]|])", r"\\\1", pieces[place])
        pieces[place] = OPTION.sub(r"`\1`", plain)
    return "".join(pieces)
