"""The atlas's pages: templates filled with what studies found."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from results import Table

ROOT = Path(__file__).parents[2]
ATLAS = ROOT / "docs" / "atlas"
TEMPLATES = Path(__file__).with_name("pages")


WIDTH = 113
"""Longest line of a paragraph."""

VERDICTS = {"agrees": "agrees", "disagrees": "**disagrees**", "undecided": "*undecided*"}


def render(template: str, context: Mapping[str, Any]) -> str:
    """Fill a template of the folder ``pages``.

    Raises:
        jinja2.UndefinedError: if the template uses a name that the context lacks.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(sig=significant, percent=percent)
    return _fill(environment.get_template(template).render(context))


def study_page(name: str, found: Mapping[str, Any]) -> str:
    """Return the page of a study from its results, as in their JSON file."""
    context = {
        **found,
        "tables": {key: Table(**value).markdown for key, value in found["tables"].items()},
        "claims": claims(found["claims"]),
        "time": duration(sum(found["cost"]["core_seconds"].values())),
        "command": f"$ python scripts/reproduce/{name}.py",
    }
    return render(f"{name}.md", context)


def read(name: str, folder: Path = ATLAS) -> dict[str, Any]:
    """Read the committed results of a study."""
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def claims(values: list[Mapping[str, str]]) -> str:
    """Format claims with what was seen."""
    head = ["claim", "source", "seen here", "verdict"]
    rows = [[v["says"], v["source"], v["seen"], VERDICTS[v["verdict"]]] for v in values]
    return Table(head, rows).markdown


def significant(value: float, digits: int = 3) -> str:
    """Round to significant digits."""
    return f"{value:.{digits}g}"


def percent(value: float, digits: int = 0) -> str:
    """Format a fraction in percent."""
    return f"{100 * value:.{digits}f} %"


def duration(seconds: float) -> str:
    """Say core-seconds in words, rounded to what repeats on another machine."""
    if seconds < 90:
        return f"{max(10, 10 * math.ceil(seconds / 10))} seconds on one core"
    minutes = seconds / 60
    if minutes < 90:
        step = 5 if minutes > 10 else 1
        return f"{step * math.ceil(minutes / step)} minutes on one core"
    return f"{math.ceil(2 * minutes / 60) / 2:g} hours on one core"


def _fill(text: str) -> str:
    """Break paragraphs into lines; leave tables, code, headings, pictures and lists as they are."""
    blocks, fenced = [], False
    for block in text.split("\n\n"):
        kept = fenced or block.lstrip().startswith(("|", "#", "```", "![", "- ", "<!--", "1. "))
        fenced ^= block.count("```") % 2 == 1
        words = " ".join(block.split())
        blocks.append(block if kept else _wrap(words))
    return "\n\n".join(blocks).rstrip("\n") + "\n"


def _wrap(words: str) -> str:
    return "\n".join(textwrap.wrap(words, WIDTH, break_long_words=False, break_on_hyphens=False))
