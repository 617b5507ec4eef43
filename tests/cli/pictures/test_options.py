import pytest

from landscape_cli.cli.pictures.options import Levels, text_of
from landscape_cli.errors import UsageError
from landscape_cli.plotting.page import Page

CHOICES = {
    "title": "",
    "labels": (),
    "no_title": False,
    "no_colorbar": False,
    "cmap": None,
    "font_size": None,
}


def page_of(files=("a.h5", "b.h5"), **choices):
    return text_of({**CHOICES, **choices}, files)(Page())


def test_options_are_set_on_the_page():
    page = page_of(title="T", labels=("A", "B"), no_colorbar=True, cmap="magma", font_size=7.0)
    assert (page.title, page.labels, page.cmap, page.font_size) == ("T", ("A", "B"), "magma", 7.0)
    assert page.titled
    assert not page.colorbar
    assert not page_of(no_title=True).titled


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"labels": ("A",)}, "--label: given 1 times for 2 files"),
        ({"cmap": "virids"}, "--cmap 'virids': .*did you mean viridis"),
        ({"title": "T", "no_title": True}, "--title 'T': --no-title leaves it out"),
    ],
)
def test_mistakes_are_refused(choices, message):
    with pytest.raises(UsageError, match=message):
        page_of(**choices)


@pytest.mark.parametrize(("cmap", "noted"), [("jet", True), ("viridis", False), ("RdBu", False)])
def test_colour_maps_that_show_false_edges_are_noted(cmap, noted, capsys):
    page_of(cmap=cmap)
    assert ("lightness rises and falls" in capsys.readouterr().err) == noted


@pytest.mark.parametrize(
    ("text", "levels"), [("12", 12), ("0.1,1,10", (0.1, 1.0, 10.0)), ("0.5", (0.5,))]
)
def test_levels_are_a_number_or_values(text, levels):
    assert Levels().convert(text, None, None) == levels
