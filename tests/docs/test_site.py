"""The site of the docs: pages made from commands, the list of pages, links of the clone."""

import re
import sys
from pathlib import Path

import click
import pytest

from landscape_cli.cli import COMMANDS, cli

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture
def site(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_sphinx"))
    import site_pages

    yield site_pages
    for name in ("site_pages", "command_pages"):
        sys.modules.pop(name, None)


@pytest.fixture
def pages(site):
    return site.command_pages()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_page_has_every_option_once(pages, name):
    command = cli.get_command(None, name)
    shown = re.findall(r"^```\{option\} (.+)$", pages[name], re.M)
    names = [re.findall(r"(?:^|, )(--?[\w-]+)", line) for line in shown]
    options = [one for one in command.get_params(click.Context(command)) if one.name]
    wanted = [
        [*option.opts, *option.secondary_opts]
        for option in options
        if isinstance(option, click.Option)
    ]
    assert sorted(map(sorted, names)) == sorted(map(sorted, wanted))
    assert pages[name].startswith(f"# {name}\n")


def test_options_stand_under_their_headings_with_defaults_and_choices(pages):
    text = pages["plot"]
    headings = re.findall(r"^## (.+)$", text, re.M)
    assert headings[:4] == ["Examples", "What to draw", "Scale and limits", "3-D view"]
    assert headings[-2:] == ["Kinds for ensemble files", "Kinds for curvature files"]
    style = text.split("```{option} --style STYLE\n")[1].split("```")[0]
    assert style.endswith("One of `paper`, `talk`, `dark`. Default: `paper`.\n")
    dpi = text.split("```{option} --dpi N\n")[1].split("\n```")[0]
    assert dpi == "Dots per inch. From 20 to 1200. Default: `200`."
    assert "```console\n$ landscape plot surface.h5\n" in text
    assert "\n| `contourf` | filled contours |\n" in text


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ("x>=1", "At least 1"),
        ("x>0", "More than 0"),
        ("-360<=x<=360", "From -360 to 360"),
        ("0<=x<1", "From 0 to less than 1"),
        (f"0<=x<={2**63 - 1}", "At least 0"),
    ],
)
def test_ranges_are_said_in_words(site, bounds, words):
    assert sys.modules["command_pages"].in_words(bounds) == words


def test_options_in_help_are_code_and_marks_of_markdown_are_not(pages):
    from_help = pages["compute"].split("```{option} --even-if-slower\n")[1].split("\n```")[0]
    assert from_help == "Use `--precision` even where it is slower than fp32."


def test_every_page_is_in_one_part_of_the_site(site):
    found = [target for pages in site.parts(site.INDEX.read_text()).values() for target, _ in pages]
    own = {path.name for path in DOCS.glob("*.md")} - {"README.md", "index.md"}
    own.add("atlas/README.md")
    assert sorted(found) == sorted({*own, "../CONTRIBUTING.md", *site_only(site)})


def site_only(site):
    return {name for pages in site.SITE_ONLY.values() for name in pages}


def test_the_atlas_leads_to_all_its_pages(site):
    tree = site.atlas_tree(DOCS / "atlas").splitlines()
    assert {"costs", "kinks"} <= set(tree)
    assert "README" not in tree


def test_the_landing_page_lists_and_links_every_page(site):
    text = site.index_page((DOCS / "index.md").read_text(), site.INDEX.read_text())
    assert "[](/own-network.md): from a clone to the loss surface" in text
    assert ":caption: Start here\n\n/own-network\n/gallery\n" in text
    assert "/project/contributing\n" in text
    assert site.LISTED not in text


@pytest.mark.parametrize(
    ("link", "on_site"),
    [
        ("[start](../README.md)", "[start](/index.md)"),
        ("[start](../README.md#install)", "[start](/index.md)"),
        ("[tests](../CONTRIBUTING.md#tests)", "[tests](/project/contributing.md#tests)"),
        ("[one](../configs/own_problem.py)", "[one](../configs/own_problem.py)"),
        ("[these](../scripts/reproduce)", "these"),
        ("[a page](numbers.md#values)", "[a page](numbers.md#values)"),
        ("[out](https://pytorch.org)", "[out](https://pytorch.org)"),
        ("![it](images/demo_contours.png)", "![it](images/demo_contours.png)"),
        ("```text\n[start](../README.md)\n```", "```text\n[start](../README.md)\n```"),
    ],
)
def test_links_of_the_clone_become_those_of_the_site(site, link, on_site):
    assert site.site_links(f"{link}\n", DOCS / "tutorial.md") == f"{on_site}\n"


def test_only_what_changed_is_written(site, tmp_path):
    site.write_pages(tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")}
    assert {path.relative_to(tmp_path).as_posix() for path in written} >= {
        "commands/index.md",
        "commands/compute.md",
        "project/changelog.md",
    }
    site.write_pages(tmp_path)
    assert written == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")}
