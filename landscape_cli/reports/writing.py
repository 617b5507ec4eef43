"""The page of a report: its sections, figures and tables, numbered, in one HTML file."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from landscape_cli.errors import LandscapeError, UsageError
from landscape_cli.reports import SECTIONS
from landscape_cli.reports.blocks import Block, Drawing, Figure, Section, Table, code, remark
from landscape_cli.reports.html import Html, joined, tag
from landscape_cli.reports.material import Material
from landscape_cli.reports.overview import overview, subtitle
from landscape_cli.util.output_files import check_kind, check_output, replacing
from landscape_cli.util.progress import Progress

LOOKS = {"paper": "light", "dark": "dark"}
"""The style of a picture for each colour scheme of the page."""

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""Content-Security-Policy of the page, which forbids scripts and all network access."""

PIXELS = 96
"""Pixels of a page in an inch."""


def write_report(
    material: Material,
    path: Path,
    title: str | None,
    *,
    interactive: bool = False,
    quiet: bool = False,
) -> list[Path]:
    """Write a report, in one step.

    Args:
        material: the files.
        path: the page, which must not be one of them.
        title: its heading; None for the network's name.
        interactive: also write the interactive page of the planes beside it.
        quiet: show no progress.

    Returns:
        The files written.

    Raises:
        UsageError: if a file can't be written, or another one would be replaced.
    """
    inputs = [source.path for source in material.sources]
    check_output(path, inputs, ("html",))
    check_kind(path, "html")
    link = None
    if interactive:
        link = path.with_name(f"{path.stem.removesuffix('.report')}.interactive.html")
        _write_interactive(material, link)
    text = page(material, title, None if link is None else link.name, path.name, quiet)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return [path] if link is None else [path, link]


def _write_interactive(material: Material, path: Path) -> None:
    """Write the interactive page of all planes.

    Raises:
        UsageError: if there is none, or plotly is missing.
    """
    from landscape_cli.exports import Options
    from landscape_cli.exports import Source as Exported
    from landscape_cli.exports.export_files import export

    planes = material.surfaces(2)
    if not planes:
        raise UsageError("--interactive: there is no plane to show; leave it out")
    check_output(path, [source.path for source in material.sources], ("html",))
    check_kind(path, "html")
    sources = [Exported(one.record, one.path, one.name) for one in planes]
    export("html", sources, path, Options())


def page(
    material: Material,
    title: str | None = None,
    link: str | None = None,
    label: str = "report",
    quiet: bool = True,
) -> str:
    """Return a report as HTML.

    Args:
        material: the files.
        title: its heading; None for the network's name.
        link: the interactive page beside it.
        label: what progress calls it.
        quiet: show no progress.
    """
    loaded = [_load(target) for target in SECTIONS.values()]
    found = [(section, section.blocks(material)) for section in loaded]
    every = [block for _, blocks in found for block in blocks]
    figures = sum(isinstance(block, Figure) for block in every)
    name = f"Loss landscape of {material.network}" if title is None else title
    with Progress(figures, label, unit="figure", quiet=quiet) as progress:
        writer = _Writer(progress)
        body = [tag("header", tag("h1", name), subtitle(material, link))]
        body += [remark(note) for note in material.notes]
        body.append(writer.block(overview(material)))
        shown = [(section, blocks) for section, blocks in found if blocks]
        absent = _absent(material, [section for section, blocks in found if not blocks])
        for section, blocks in shown:
            if section.appendix:
                body, absent = [*body, *absent], []
            body.append(writer.section(section.title, blocks))
        body += absent
    return _document(name, joined(*body))


def _load(target: str) -> Section:
    """Import a section of ``SECTIONS``."""
    module, attribute = target.split(":")
    section: Section = getattr(importlib.import_module(module), attribute)
    return section


@dataclass
class _Writer:
    """Writes blocks as HTML, and numbers sections, figures and tables.

    Args:
        progress: counts the figures.
    """

    progress: Progress
    sections: int = 0
    figures: int = 0
    tables: int = 0

    def section(self, title: str, blocks: Sequence[Block]) -> Html:
        """Return a section with its heading."""
        self.sections += 1
        place = f"section-{self.sections}"
        head = tag("h2", f"{self.sections} {title}", id=place)
        return tag("section", head, *map(self.block, blocks), aria_labelledby=place)

    def block(self, block: Block) -> Html:
        """Return a block as HTML."""
        if isinstance(block, Figure):
            return self._figure(block)
        return self._table(block) if isinstance(block, Table) else block

    def _figure(self, figure: Figure) -> Html:
        """Draw a figure for both colour schemes, or say why it can't be drawn."""
        self.progress.within(figure.name)
        try:
            drawn = {scheme: figure.draw(look) for look, scheme in LOOKS.items()}
        except LandscapeError as error:
            return remark(f"No picture of the {figure.name}: {error}.")
        finally:
            self.progress.update(note=figure.name)
        self.figures += 1
        images = [
            tag("span", *_images(one, figure.spatial), class_=scheme)
            for scheme, one in drawn.items()
        ]
        caption = next(iter(drawn.values())).caption
        words = tag("figcaption", tag("b", f"Figure {self.figures}."), " ", caption)
        return tag("figure", *images, words)

    def _table(self, table: Table) -> Html:
        self.tables += 1
        words = tag("caption", tag("b", f"Table {self.tables}."), " ", table.caption)
        head = [tag("th", cell, scope="col") if cell else tag("td") for cell in table.head]
        rows = [
            tag("tr", tag("th", first, scope="row"), *(tag("td", cell) for cell in cells))
            for first, *cells in table.rows
        ]
        parts = [tag("thead", tag("tr", *head))] if head else []
        wide = "wide" if len(table.head) > 2 else None
        whole = tag("table", words, *parts, tag("tbody", *rows), class_=wide)
        label = f"Table {self.tables}"
        return tag("div", whole, class_="table", role="group", aria_label=label, tabindex="0")


def _images(drawing: Drawing, pixels: bool) -> Iterator[Html]:
    """Yield the pictures of a figure, described by its caption."""
    from landscape_cli.plotting.figure_files import embedded

    names = drawing.names or [""] * len(drawing.pictures)
    for figure, name in zip(drawing.pictures, names, strict=True):
        picture = embedded(figure, pixels)
        data = base64.b64encode(picture.content).decode("ascii")
        yield tag(
            "img",
            src=f"data:{picture.media};base64,{data}",
            alt=f"{name}: {drawing.caption}" if name else drawing.caption,
            width=round(PIXELS * picture.width),
            height=round(PIXELS * picture.height),
        )


def _absent(material: Material, sections: Sequence[Section]) -> list[Html]:
    """Say what the report lacks, and how it is made."""
    rows = [
        tag("li", f"No {one.absent}: ", code(material.filled(one.command)), " makes one.")
        for one in sections
        if one.absent
    ]
    if not rows:
        return []
    head = tag("h2", "Not in this report", id="absent")
    return [tag("section", head, tag("ul", *rows), aria_labelledby="absent")]


def _document(title: str, body: Html) -> str:
    style = (files("landscape_cli.reports") / "page" / "report.css").read_text(encoding="utf-8")
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name_="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(style)),
    ]
    whole = tag("html", tag("head", *head), "\n", tag("body", tag("main", body)), lang="en")
    return f"<!DOCTYPE html>\n{whole}\n"
