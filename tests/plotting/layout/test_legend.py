"""One legend for all panels: what is the same is said once, numbers are listed."""

from types import SimpleNamespace

import pytest
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from landscape_cli.plotting.layout.legend import (
    entries_of,
    explain,
    needs_letters,
    state,
    stated_of,
    without_symbols,
)


def patch(text):
    return Patch(color="0.8", label=text)


def line(text):
    return Line2D([], [], color="black", label=text)


def texts(panels, letters=()):
    all_axes = [SimpleNamespace() for _ in panels]
    for axes, entries in zip(all_axes, panels, strict=True):
        explain(axes, entries)
    return [entry.get_label() for entry in entries_of(all_axes, letters)]


@pytest.mark.parametrize(
    ("panels", "letters", "expected"),
    [
        ([[patch("train")], [patch("train")]], "", ["train"]),
        ([[patch("above 10 (66.4 %)")]], "", ["above 10 (66.4 %)"]),
        (
            [[patch("above 10 (66.4 %)")], [patch("above 10 (23.3 %)")]],
            "",
            ["above 10 (66.4 %, 23.3 %)"],
        ),
        ([[patch("above 10 (66.4 %)")], []], "", ["above 10 (66.4 %, 0 %)"]),
        ([[patch("above 10 (66.4 %)")], []], "ab", ["(a) above 10 (66.4 %)"]),
        ([[], [patch("computed (1 point)")]], "ab", ["(b) computed (1 point)"]),
        (
            [[line("seed 1 at 2")], [line("seed 3 at 4")]],
            "ab",
            ["(a) seed 1 at 2", "(b) seed 3 at 4"],
        ),
        ([[line("7 checkpoints")], [line("9 checkpoints")]], "", ["7, 9 checkpoints"]),
        ([[line("first"), patch("last")], [patch("last")]], "", ["first", "last"]),
        ([[line("one")], [line("other")]], "", ["one", "other"]),
    ],
)
def test_entries_are_merged(panels, letters, expected):
    assert texts(panels, letters) == expected


@pytest.mark.parametrize(
    ("entries", "needed"),
    [
        ([[line("7 of 9")], [line("8 of 9")]], False),
        ([[line("1 of 9")], [line("2 of 8")]], True),
        ([[line("one")], [patch("one")]], False),
    ],
)
def test_letters_are_needed_if_entries_cannot_be_merged(entries, needed):
    all_axes = [SimpleNamespace() for _ in entries]
    for axes, own in zip(all_axes, entries, strict=True):
        explain(axes, own)
    assert needs_letters(all_axes) is needed


def test_a_phrase_is_stated_once():
    all_axes = [SimpleNamespace() for _ in range(3)]
    assert stated_of(all_axes, "differs") == ""
    state(all_axes[0], "")
    state(all_axes[1], "smooth")
    assert stated_of(all_axes, "differs") == "smooth"
    state(all_axes[2], "smoother")
    assert stated_of(all_axes, "differs") == "differs"


def test_entries_without_a_symbol_are_set_apart():
    bare = Line2D([], [], linestyle="none", label="at all points")
    marked = Line2D([], [], linestyle="none", marker="x", label="not finite")
    shown = [line("loss"), patch("above"), marked]
    assert without_symbols([shown[0], bare, *shown[1:]]) == (shown, ["at all points"])
