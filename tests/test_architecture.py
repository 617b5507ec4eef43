"""docs/architecture.md against the tree, and tests/ against the package."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "landscape_cli"
PAGE = (ROOT / "docs" / "architecture.md").read_text()

TESTS_OF_WHOLES = {"browser", "chaos", "data", "docs", "examples", "scripts", "slurm", "support"}
"""Folders of tests, and what they need, that belong to no one package."""


def table(heading):
    """Return the first column of the table with this heading."""
    rows = PAGE.split(heading, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [re.match(r"\| `([^`]+)`", row)[1] for row in rows]


def folders(root):
    """Return the folders below a root that hold files, as paths relative to it."""
    found = {path.parent.relative_to(root).as_posix() for path in root.rglob("*.*")}
    return {one for one in found if "__pycache__" not in one and one != "."}


def test_the_table_has_a_row_for_each_package_and_module_and_no_other():
    packages = {f"{one}/" for one in folders(PACKAGE)}
    modules = {path.name for path in PACKAGE.glob("*.py")}
    rows = table("| package or module | owns |")
    assert len(rows) == len(set(rows))
    assert set(rows) == packages | modules


@pytest.mark.parametrize("path", sorted({*re.findall(r"`([a-z_0-9/]+\.py)`", PAGE)}))
def test_every_module_that_is_named_exists(path):
    assert (PACKAGE / path).exists() or (ROOT / path).exists()


def test_every_registry_that_is_named_exists():
    rows = PAGE.split("| new | file | registry |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    for row in rows:
        _, file, registry = (cell.strip() for cell in row.strip("|").split("|"))
        places = re.findall(r"`([\w/]+\.py)`", registry) or re.findall(r"`([\w/]+\.py)`", file)
        text = (PACKAGE / places[0]).read_text()
        for name in re.findall(r"`([A-Z]+)`", registry):
            assert re.search(rf"^{name}\b", text, re.M), (name, places[0])


def test_packages_are_small_enough_to_overlook():
    for folder in folders(PACKAGE):
        modules = list((PACKAGE / folder).glob("*.py"))
        assert len(modules) <= 16, folder


def test_the_folders_of_tests_mirror_those_of_the_package():
    for folder in folders(ROOT / "tests"):
        if folder.split("/")[0] not in TESTS_OF_WHOLES:
            assert (PACKAGE / folder).is_dir(), folder


def test_layers_of_the_linter_name_every_package():
    contract = (ROOT / "setup.cfg").read_text().split("layers =", 1)[1].split("\n\n", 1)[0]
    named = set(re.findall(r"landscape_cli\.(\w+)", contract))
    whole = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert named == whole | modules


def test_set_up_hands_on_typed_records():
    files = [*(PACKAGE / "run" / "setup").glob("*.py"), PACKAGE / "run" / "resume.py"]
    for path in [*files, PACKAGE / "run" / "output_file.py", PACKAGE / "run" / "compute.py"]:
        for signature in re.findall(r"^def .*?:\n", path.read_text(), re.M | re.S):
            head = signature.split(":\n", 1)[0]
            assert "dict[str, Any]" not in head, (path.name, head)
