"""Pages of the site that other files hold: commands, changelog, the list of pages, navigation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from command_pages import command_pages

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent

COPIES = {
    "project/changelog.md": ROOT / "CHANGELOG.md",
    "project/contributing.md": ROOT / "CONTRIBUTING.md",
}
"""Pages by the file that they are made from."""

SITE_ONLY = {
    "Reference": {
        "commands/index.md": "every command and its options",
        "api/index.md": "functions and classes of `landscape_cli`",
    },
    "Develop": {"project/changelog.md": "what has changed, by version"},
}
"""Pages that are on the site alone, with what they are, by the part of the site they lead."""

INDEX = DOCS / "README.md"
ATLAS = "atlas/README"
"""The page that leads to the other ones of its folder."""

LISTED = "<!-- list of pages -->"
"""The line of index.md in whose place the list of README.md stands."""


def setup(app: Any) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir)))
    app.connect("source-read", _read)
    return {"parallel_read_safe": True}


def write_pages(folder: Path) -> None:
    """Write the generated pages into the folder of the sources, where they changed."""
    pages = {f"commands/{name}.md": text for name, text in command_pages().items()}
    pages |= {name: path.read_text() for name, path in COPIES.items()}
    for name, text in pages.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def parts(index: str) -> dict[str, list[tuple[str, str]]]:
    """Return the parts of the list of pages: for each title, pages and what they are."""
    found = {}
    for section in index.split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        listed = re.findall(r"^- \[[^]]+\]\(([^)]+)\): ((?:.+\n?)(?:  .+\n?)*)", text, re.M)
        found[title] = [*SITE_ONLY.get(title, {}).items(), *listed]
    return found


def index_page(hero: str, index: str) -> str:
    """Return the landing page: its own text, the list of pages, and the navigation."""
    texts = []
    for title, pages in parts(index).items():
        inside = [(on_site(target, INDEX), what) for target, what in pages]
        listed = "\n".join(f"- [](/{page}): {what.strip()}" for page, what in inside)
        tree = "\n".join(f"/{page.removesuffix('.md')}" for page, _ in inside)
        toctree = f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{tree}\n```\n"
        texts.append(f"## {title}\n\n{listed}\n\n{toctree}")
    return hero.replace(LISTED, "\n".join(texts))


def atlas_tree(folder: Path) -> str:
    """Return the navigation of the atlas: its pages but the first one."""
    names = sorted({path.stem for path in folder.glob("*.md")} - {"README"})
    listed = "\n".join(names)
    return f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


def on_site(target: str, page: Path) -> str:
    """Return a link's target on the site, from the root of the docs, if that is another file's."""
    path, hash_, anchor = target.partition("#")
    there = (page.parent / path).resolve()
    homes = {ROOT / "README.md": "index.md", INDEX: "index.md"}
    homes |= {file: name for name, file in COPIES.items()}
    if there in homes:
        return homes[there] + ("" if there == ROOT / "README.md" else hash_ + anchor)
    if there.is_relative_to(DOCS):
        return there.relative_to(DOCS).as_posix() + hash_ + anchor
    return target


def site_links(text: str, page: Path) -> str:
    """Make the links of a page of the clone those of the site; a folder's are only named."""

    def link(match: re.Match[str]) -> str:
        label, target = match.groups()
        there = (page.parent / target.partition("#")[0]).resolve()
        if there.is_dir():
            return label
        here = on_site(target, page)
        if here != target:
            return f"[{label}](/{here})"
        return f"[{label}]({target})"

    pieces = re.split(r"(^```.*?^```)", text, flags=re.M | re.S)
    for place in range(0, len(pieces), 2):
        pieces[place] = re.sub(
            r"(?<!!)\[([^]]+)\]\((?!https?:|#|/)([^)\s]+)\)", link, pieces[place]
        )
    return "".join(pieces)


def _read(app: Any, name: str, source: list[str]) -> None:
    """Change a page's text as Sphinx reads it."""
    if name == app.config.root_doc:
        source[0] = index_page(source[0], INDEX.read_text())
    if name == ATLAS:
        source[0] += atlas_tree(DOCS / "atlas")
    source[0] = site_links(source[0], COPIES.get(f"{name}.md", DOCS / f"{name}.md"))
