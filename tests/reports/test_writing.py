"""The page: well-formed, self-contained, numbered, escaped, and with the right numbers."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from landscape_cli.analysis import NUMBERS
from landscape_cli.analysis.describe import describe
from landscape_cli.errors import UsageError
from landscape_cli.reports import writing
from landscape_cli.reports.digits import in_three_digits
from landscape_cli.reports.finding import find_material
from landscape_cli.reports.html import Html
from landscape_cli.reports.writing import page, write_report
from landscape_cli.store import read_surface, write_surface

from .conftest import Page, net


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The page of a plane alone, with a hostile name of its network."""
    folder = tmp_path_factory.mktemp("page")
    path = folder / "hostile.h5"
    hostile = '<script>alert("1")</script>\u202e'
    write_surface(path, net(name=hostile, path='"><img src=x onerror=alert(1)>'))
    return Page(page(find_material([str(path)]))), path


@pytest.fixture
def without_pictures(monkeypatch):
    """Draw nothing, which takes most of the time."""
    monkeypatch.setattr(writing._Writer, "_figure", lambda writer, figure: Html())


def test_nothing_in_it_runs_or_is_loaded(made):
    parsed, _ = made
    names = {tag for tag, _ in parsed.tags}
    assert not names & {"script", "iframe", "object", "embed", "link", "form"}
    addresses = [one[key] for _, one in parsed.tags for key in ("src", "href") if key in one]
    assert all(address.startswith("data:image/") for address in addresses)
    assert not any(key.startswith("on") for _, one in parsed.tags for key in one)
    (policy,) = [one["content"] for one in parsed.of("meta") if "http-equiv" in one]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_hostile_names_are_shown_as_they_are(made):
    parsed, _ = made
    assert '<script>alert("1")</script>\\u202e' in parsed.words
    assert '"><img src=x onerror=alert(1)>' in parsed.words


def test_headings_are_in_order(made):
    parsed, _ = made
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_picture_is_described_by_its_caption(made):
    parsed, _ = made
    pictures = parsed.of("img")
    assert len(pictures) == 4  # contours and a surface, light and dark
    assert all("5 x 5 points" in one["alt"] for one in pictures)
    assert all(int(one["width"]) > 200 and int(one["height"]) > 150 for one in pictures)


def test_figures_tables_and_sections_are_numbered(made):
    parsed, _ = made
    assert re.findall(r"Figure (\d+)\.", parsed.words) == ["1", "2"]
    assert re.findall(r"Table (\d+)\.", parsed.words) == ["1", "2", "3"]
    assert len(parsed.of("caption")) == len(parsed.of("table")) == 3
    assert [one for one in ("1 Surface", "2 Numbers", "3 Provenance") if one in parsed.words]


def test_it_has_the_numbers_of_describe_and_how_to_read_them(made):
    parsed, path = made
    entry = describe(read_surface(path))["numbers"][0]
    shown = [name for name in NUMBERS if entry[name] is not None]
    assert {"sharpness", "curvature", "roughness", "basin", "topology"} <= {*shown}
    for name in shown:
        for line in NUMBERS[name].text(entry[name]):
            assert in_three_digits(line) in parsed.words
        assert NUMBERS[name].reading in parsed.words


def test_it_says_where_the_values_come_from(made):
    parsed, _ = made
    for text in (
        "loss 1.000 ± 0.010",
        "7 samples, fingerprint f00",
        "random direction (seed 1)",
        "landscape compute 'a b.yaml'",
        "2026-01-02 03:04:05 UTC, took 1.5 s",
        "2 ranks, cpu AVX512, MPICH Version: 5.0.2",
        "python 3.11.7, torch 2.13.0",
        "ab" * 32,
    ):
        assert text in parsed.words
    assert "secret" not in parsed.text
    assert "/home/you" not in parsed.text


def test_what_is_missing_is_named_with_the_command_that_makes_it(made):
    parsed, path = made
    stem = path.with_suffix("")
    assert (
        f"No line: landscape compute CONFIG --y none -o {stem}_line.h5 makes one." in parsed.words
    )
    assert "No spectrum: landscape curvature CONFIG --density 4x80 makes one." in parsed.words
    assert "No surface" not in parsed.words


def test_a_spectrum_has_its_numbers(folder, without_pictures):
    parsed = Page(page(find_material(["net.yaml"]), "A <title>"))
    assert "A <title>" in parsed.words
    assert "3.5 ± 1.0e-06, 1.25 ± 1.0e-06" in parsed.words
    assert "-0.5 ± 1.0e-06" in parsed.words
    assert "landscape sharpness net.yaml" in parsed.words
    assert "No spectrum" not in parsed.words


def test_an_incomplete_surface_is_said_to_be_so(folder, without_pictures):
    status = np.ones((9, 9), np.uint8)
    status[1, 1] = 0
    bowl = net(lambda x, y: 1 + x**2 + y**2, "-1:1:9", "-1:1:9", status=status)
    write_surface(folder / "net.h5", bowl)
    parsed = Page(page(find_material(["net.h5"])))
    assert "net.h5 is incomplete: 80 of 81 points are computed (98.8 %)" in parsed.words
    assert "plane, 9 x 9 points, 98.8 % computed" in parsed.words
    assert "5 x 5 points, the finest level that is complete" in parsed.words


def test_a_surface_without_a_finite_value_is_no_failure(folder):
    write_surface(folder / "net.h5", net(lambda x, y: x * np.nan))
    parsed = Page(page(find_material(["net.h5"])))
    assert "No picture of the contours: " in parsed.words


def test_notes_are_on_the_page(folder, without_pictures):
    material = find_material(["net.h5"])
    noted = type(material)(material.sources, notes=["A note."])
    assert "A note." in Page(page(noted)).words


def test_only_a_page_is_replaced(folder):
    material = find_material(["net.h5"])
    with pytest.raises(UsageError, match=r"--output net\.h5: the name must end in one of \.html"):
        write_report(material, Path("net.h5"), None)
    Path("notes.html").write_text("my own notes")
    with pytest.raises(UsageError, match="is there already, and no html file"):
        write_report(material, Path("notes.html"), None)
    assert Path("notes.html").read_text() == "my own notes"
