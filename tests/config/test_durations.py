import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.config.durations import format_duration, parse_duration, short_duration
from landscape_cli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("55m", 3300),
        ("1h30m", 5400),
        ("90s", 90),
        ("1.5h", 5400),
        ("2d", 172800),
        ("1:30:00", 5400),
        ("1:30", 90),
        ("90:00", 5400),
        ("2-12:00:00", 216000),
        (" 5M ", 300),
    ],
)
def test_forms(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "1:2:3:4", "-5m", "0s", "1:00:", "0:00"])
def test_other_forms_are_refused(text):
    with pytest.raises(UsageError, match="expected a time such as"):
        parse_duration(text)


@given(st.integers(1, 10**7))
def test_round_trip(seconds):
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.text(max_size=12))
def test_any_text_is_a_time_or_refused(text):
    with contextlib.suppress(UsageError):
        assert parse_duration(text) > 0


def test_format():
    assert format_duration(5400) == "1:30:00"
    assert format_duration(59.6) == "0:01:00"
    assert format_duration(216000) == "2-12:00:00"


def test_durations_below_a_minute_are_in_seconds():
    assert [short_duration(each) for each in (0.2, 59.4, 59.6, 20234)] == [
        "0 s",
        "59 s",
        "0:01:00",
        "5:37:14",
    ]
