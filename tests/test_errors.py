"""Messages are one line that a terminal can display, even if they contain arbitrary text."""

import pickle

from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.errors import CheckpointError, LandscapeError, some


def test_a_message_is_one_line():
    assert str(CheckpointError("unexpected a\nb;\r\n  check")) == "unexpected a b; check"
    assert str(LandscapeError("a  b\tc \x1b[31m é \udcff")) == r"a  b\tc \x1b[31m é \udcff"
    assert str(LandscapeError()) == ""


@given(st.text())
def test_any_message_can_be_printed(text):
    error = LandscapeError(text)
    assert str(error).isprintable()
    str(error).encode()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@given(st.text(st.characters(categories=["L", "N", "P"])))
def test_printable_messages_are_unchanged(text):
    assert str(LandscapeError(text)) == text


def test_long_lists_of_names_are_shortened():
    assert some([]) == ""
    assert some(["a", 2, "c", "d"]) == "a, 2, c, d"
    assert some(list("abcdefg")) == "a, b, c, d and 3 more"
