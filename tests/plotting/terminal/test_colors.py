import io

import numpy as np
import pytest

from landscape_cli.plotting.terminal.colors import Cells, Depth, colored, depth_of


class Screen(io.TextIOWrapper):
    """A stream that claims to be a terminal."""

    def __init__(self, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding)

    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({}, Depth.FEW),
        ({"COLORTERM": "truecolor"}, Depth.FULL),
        ({"COLORTERM": "24bit"}, Depth.FULL),
        ({"COLORTERM": "yes"}, Depth.FEW),
        ({"COLORTERM": "truecolor", "NO_COLOR": "1"}, Depth.PLAIN),
        ({"NO_COLOR": ""}, Depth.FEW),
        ({"TERM": "dumb"}, Depth.PLAIN),
    ],
)
def test_the_colour_depth_follows_the_environment(environment, depth):
    assert depth_of(Screen(), environment) is depth


def test_other_streams_than_terminals_get_plain_characters_unless_forced():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert depth_of(stream, {"COLORTERM": "truecolor"}) is Depth.PLAIN
    assert depth_of(stream, {"FORCE_COLOR": "1"}) is Depth.FEW


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_encoding_without_blocks_gets_plain_characters(encoding):
    assert depth_of(Screen(encoding), {}) is Depth.PLAIN


@pytest.mark.parametrize(
    ("color", "few", "full"),
    [
        ((1, 0, 0), "38;5;196", "38;2;255;0;0"),
        ((0, 0, 1), "38;5;21", "38;2;0;0;255"),
        ((128 / 255,) * 3, "38;5;244", "38;2;128;128;128"),
        ((0, 0, 0), "38;5;16", "38;2;0;0;0"),
        ((1, 1, 1), "38;5;231", "38;2;255;255;255"),
    ],
)
def test_colours_have_the_right_escape_codes(color, few, full):
    for depth, code in ((Depth.FEW, few), (Depth.FULL, full)):
        assert colored("ab", np.array(color, float), depth) == f"\x1b[0m\x1b[{code}mab\x1b[0m"
    assert colored("ab", np.array(color, float), Depth.PLAIN) == "ab"


def test_colours_are_switched_only_where_they_change():
    cells = Cells.blank(1, 4)
    cells.characters[0] = list("▀▀▄x")
    cells.front[0, :2], cells.back[0, :2], cells.back[0, 2] = (1, 0, 0), (0, 0, 1), (0, 0, 1)
    assert cells.lines(Depth.FULL) == [
        "\x1b[0m\x1b[38;2;255;0;0m\x1b[48;2;0;0;255m▀▀\x1b[0m\x1b[48;2;0;0;255m▄\x1b[0mx\x1b[0m"
    ]


def test_characters_contrast_with_their_background():
    cells = Cells.blank(1, 2)
    cells.back[0] = [[1, 1, 0], [0.1, 0, 0.2]]
    for column in (0, 1):
        cells.put(0, column, "o")
    assert cells.front[0].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert cells.characters.tolist() == [["o", "o"]]
