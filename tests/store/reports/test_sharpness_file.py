"""Sharpness files survive a round trip, and foreign ones are refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.errors import StoreError
from landscape_cli.records.sharpness import Sharpness, SharpnessEntry
from landscape_cli.store.reports.sharpness_file import read_sharpness, write_sharpness

NUMBERS = st.floats(allow_nan=False)
ENTRIES = st.builds(
    SharpnessEntry,
    **{name: st.text(max_size=5) for name in ("measure", "title", "definition", "source")},
    **{name: st.text(max_size=5) for name in ("symbol", "note")},
    **dict.fromkeys(("radius", "value", "seconds"), NUMBERS),
    **{name: st.none() | NUMBERS for name in ("stderr", "length")},
    passes=st.integers(0, 10**9),
)
RECORDS = st.builds(
    Sharpness,
    parameters=st.integers(0, 10**12),
    loss=NUMBERS,
    gradient_norm=NUMBERS,
    weight_norm=NUMBERS,
    complete=st.booleans(),
    entries=st.lists(ENTRIES, max_size=3).map(tuple),
    config=st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3)),
    provenance=st.just({"runs": [{"command": ["landscape"]}]}),
)


@given(record=RECORDS)
def test_a_record_survives_its_file(tmp_path, record):
    write_sharpness(tmp_path / "s.json", record)
    assert read_sharpness(tmp_path / "s.json") == record


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "is no sharpness file (it has no such format)"),
        ({"format_version": 2}, "has format_version 2, and this program reads 1; update it"),
        ({"loss": None}, "is no sharpness file ("),
        ({"loss": "much"}, "is no sharpness file (could not convert"),
        ({"entries": {}}, "(entries are no list)"),
        ({"entries": [3]}, "is no sharpness file ("),
        ({"entries": [{"measure": "sam"}]}, "is no sharpness file (no "),
        ({"provenance": 3}, "(provenance is no mapping)"),
        ({"parameters": "inf"}, "is no sharpness file ("),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path, change, words):
    path = tmp_path / "s.json"
    write_sharpness(path, Sharpness(3, 1.0, 0.5, 2.0))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(StoreError) as refused:
        read_sharpness(path, "--output")
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"--output: {str(path)!r} ")
    assert "\n" not in str(refused.value)


@given(content=st.binary(max_size=80))
def test_random_bytes_are_refused(tmp_path, content):
    (tmp_path / "s.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"s\.json"):
        read_sharpness(tmp_path / "s.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(StoreError, match="can't read .* name another file"):
        read_sharpness(tmp_path / "none.json")
