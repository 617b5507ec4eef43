"""Ensemble files survive a round trip, and foreign ones are refused in one line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.errors import StoreError
from landscape_cli.records.ensemble import Difference, Ensemble, Scores, ScoreTable
from landscape_cli.store.reports.ensemble_file import read_ensemble, write_ensemble

NUMBERS = st.floats(allow_nan=False)
TEXTS = st.text(max_size=5)
VALUES = ("loss", "accuracy", "brier")
ROWS = st.builds(
    Scores,
    name=TEXTS,
    role=TEXTS,
    **dict.fromkeys([*VALUES, *(f"{one}_stderr" for one in VALUES)], NUMBERS),
    calibration_error=NUMBERS,
    not_finite=st.integers(0, 10**9),
    bins=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=2).map(tuple),
)
DIFFERENCES = st.builds(
    Difference, row=TEXTS, minus=TEXTS, quantity=TEXTS, value=NUMBERS, stderr=NUMBERS
)
TABLES = st.builds(
    ScoreTable,
    split=TEXTS,
    place=st.none() | NUMBERS,
    samples=st.integers(0, 10**9),
    predictions=st.integers(0, 10**9),
    rows=st.lists(ROWS, max_size=2).map(tuple),
    differences=st.lists(DIFFERENCES, max_size=2).map(tuple),
)
RECORDS = st.builds(
    Ensemble,
    members=st.lists(TEXTS, max_size=3).map(tuple),
    bins=st.integers(1, 99),
    complete=st.booleans(),
    tables=st.lists(TABLES, max_size=2).map(tuple),
    curve=st.none() | TEXTS,
    config=st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=2),
    provenance=st.just({"runs": [{"command": ["landscape"]}]}),
)
TABLE = ScoreTable("train", None, 3, 3, ())


@given(record=RECORDS)
def test_a_record_survives_its_file(tmp_path, record):
    write_ensemble(tmp_path / "e.json", record)
    assert read_ensemble(tmp_path / "e.json") == record


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "loss-landscape-sharpness"}, "is no ensemble file (it has no such format)"),
        ({"format_version": 2}, "has format_version 2, and this program reads 1; update it"),
        ({"members": "ab"}, "(members are no list)"),
        ({"members": [3]}, "(members are no texts)"),
        ({"curve": 3}, "(curve is no text)"),
        ({"bins": "inf"}, "is no ensemble file ("),
        ({"tables": [3]}, "is no ensemble file ("),
        ({"tables": [{"split": "train"}]}, "is no ensemble file (no "),
        ({"provenance": 3}, "(provenance is no mapping)"),
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path, change, words):
    path = tmp_path / "e.json"
    write_ensemble(path, Ensemble(("a", "b"), 15, tables=(TABLE,)))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(StoreError) as refused:
        read_ensemble(path, "--output")
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"--output: {str(path)!r} ")
    assert "\n" not in str(refused.value)


@given(content=st.binary(max_size=80))
def test_random_bytes_are_refused(tmp_path, content):
    (tmp_path / "e.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"e\.json"):
        read_ensemble(tmp_path / "e.json")
