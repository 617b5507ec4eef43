"""Facts that several files of the project state must agree, and links must lead somewhere."""

import importlib
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from packaging.requirements import Requirement

import landscape_cli

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "atlas").glob("*.md")),
]
SITE = ("README.md", "index.md")
"""Pages of docs/ that list the others: on GitHub, and on the site."""
PACKAGES = {"lint-imports": "import-linter"}
"""Packages of the commands that are named otherwise."""


def pins():
    """Return the exact version of each package that constraints.txt has for this Python."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in found
        if requirement.marker is None or requirement.marker.evaluate()
    }


def hooks():
    """Return the hooks of pre-commit."""
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    return repository["hooks"]


def test_pre_commit_runs_what_make_lint_runs():
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.M)[1]
    wanted = [
        f".venv/bin/{line.removesuffix(' .')}"
        for line in re.findall(r"^\t\$\(BIN\)/(.+)$", recipe, re.M)
    ]
    assert [hook["entry"].removesuffix(" --force-exclude") for hook in hooks()] == wanted
    assert {hook["language"] for hook in hooks()} == {"system"}


@pytest.mark.parametrize("tool", sorted({Path(hook["entry"].split()[0]).name for hook in hooks()}))
def test_pre_commit_uses_the_pinned_versions(tool):
    package = PACKAGES.get(tool, tool)
    try:
        installed = version(package)
    except PackageNotFoundError:
        pytest.skip(f"no {package}: make install")
    assert installed == pins()[package]


def test_the_citation_has_the_package_s_version_and_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == landscape_cli.__version__
    licence, _, holder = (ROOT / "LICENSE").read_text().split("\n", 3)[:3]
    assert licence == f"{citation['license']} License"
    assert holder.lower().endswith(citation["authors"][0]["name"].lower())


def registries():
    """Return the path and the name of each registry that CONTRIBUTING.md lists."""
    rows = re.findall(r"^\|.*\| (`.*`) in `([\w/]+)\.py` \|$", PAGES[1].read_text(), re.M)
    return [(path, name) for names, path in rows for name in re.findall(r"\w+", names)]


def test_contributing_lists_every_kind_of_addition():
    assert len(registries()) == 16


@pytest.mark.parametrize(("path", "name"), registries())
def test_every_listed_registry_exists(path, name):
    module = f"landscape_cli/{path}".removesuffix("/__init__").replace("/", ".")
    assert getattr(importlib.import_module(module), name)


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links():
    """Return each relative link with its page."""
    found = []
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
            found.append(pytest.param(page, target, id=f"{page.relative_to(ROOT)}: {target}"))
    return found


@pytest.mark.parametrize(("page", "target"), links())
def test_relative_links_lead_to_files_and_headings(page, target):
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    assert there.is_relative_to(ROOT)
    assert there.exists()
    assert not anchor or anchor in anchors(there)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_other_sites_are_linked_by_whole_addresses(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\((https?:[^)]*)\)", text):
        address = urlsplit(target)
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", address.netloc), target
        assert not re.search(r"\s", target), target


def test_docs_readme_lists_every_page():
    index = (ROOT / "docs" / "README.md").read_text()
    listed = re.findall(r"^- \[[^\]]+\]\(([\w-]+\.md)\)", index, re.M)
    pages = [path.name for path in PAGES if path.parent.name == "docs"]
    assert sorted(listed) == [name for name in pages if name not in SITE]
