"""Escaping of names that come from files."""

from landscape_cli.reports.html import Html, joined, lines, tag, text


def test_text_and_attributes_are_escaped():
    hostile = '"><script>alert(1)</script>'
    assert tag("p", hostile, title=hostile) == (
        '<p title="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;">'
        "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</p>"
    )


def test_elements_are_not_escaped_again():
    assert tag("p", tag("b", "a & b"), " < c") == "<p><b>a &amp; b</b> &lt; c</p>"
    assert joined("<", Html("<br>")) == "&lt;<br>"
    assert lines("a", "<") == "a<br>&lt;"


def test_characters_that_are_not_seen_are_shown():
    assert text("a\x1b[2J\u202eb\nc") == "a\\x1b[2J\\u202eb\nc"


def test_attributes_of_reserved_names_and_those_that_are_left_out():
    assert tag("img", src="x", class_="wide", aria_label="y", id=None) == (
        '<img src="x" class="wide" aria-label="y">'
    )
