"""Forms in which a checkpoint is named."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landscape_cli.records.checkpoint_path import CheckpointPath, identity

TEXT = st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("net.pt", CheckpointPath("net.pt")),
        (Path("net.pt"), CheckpointPath("net.pt")),
        ("net.pt::model_ema", CheckpointPath("net.pt", "model_ema")),
        ("a::b::c.d", CheckpointPath("a::b", "c.d")),
        ({"path": "a::b"}, CheckpointPath("a::b")),
        ("a::b/epoch*.pt", CheckpointPath("a::b/epoch*.pt")),
        ("a::b/net.pt::ema", CheckpointPath("a::b/net.pt", "ema")),
        ({"path": "a", "key": None, "prefix": "net"}, CheckpointPath("a", prefix="net.")),
        ({"path": "a", "prefix": "net."}, CheckpointPath("a", prefix="net.")),
    ],
)
def test_forms(value, expected):
    assert CheckpointPath.parse(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(3, True, ["a"], {}, {"key": "a"}, {"path": ""}, {"path": "a", "key": 3}),
        *({"path": "a", "name": "b"}, {"path": "a", "prefix": 0}, "::key", "path::"),
    ],
)
def test_other_values_are_refused(value):
    with pytest.raises(ValueError, match=r"expected PATH, PATH::KEY or \{path: "):
        CheckpointPath.parse(value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *(("a::0:9", "0:9"), ("a::0:9:2", "0:9:2"), ("a::3:", "3:"), ("a:::9", ":9")),
        *(("a::::2", "::2"), ("a::1::2", "1::2"), ("a:::", ":"), ("a::-1:", "-1:")),
    ],
)
def test_colons_within_a_range_of_steps_do_not_separate(text, key):
    assert CheckpointPath.parse(text) == CheckpointPath("a", key)
    assert str(CheckpointPath("a", key)) == text


def test_an_existing_file_is_a_path_whatever_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a::b").touch()
    assert CheckpointPath.parse("a::b") == CheckpointPath("a::b")
    assert CheckpointPath.parse("a::b::c") == CheckpointPath("a::b", "c")


@given(TEXT, st.none() | TEXT, st.none() | TEXT.map(lambda text: f"{text}."))
def test_plain_forms_are_read_as_the_same(path, key, prefix):
    given = CheckpointPath(path, key, prefix)
    assert CheckpointPath.parse(given.as_plain()) == given
    assert CheckpointPath.parse(given.as_fields()) == given


def test_it_is_a_path_for_whatever_takes_one(tmp_path):
    given = CheckpointPath(str(tmp_path), "model")
    assert Path(given) == tmp_path
    assert os.path.isdir(given)
    assert str(given) == f"{tmp_path}::model"


def test_the_identity_has_the_entry():
    plain = {"path": "a", "sha256": "12"}
    assert identity(None) is None
    assert identity({}) is None
    assert identity(plain) == "12"
    others = [{"key": "a"}, {"prefix": "a."}, {"key": "b"}, {"key": "a", "prefix": "a."}]
    assert len({identity({**plain, **one}) for one in others} | {"12"}) == 5
