"""Single bytes that change in our files: refused, or harmless."""

import importlib
import random
import sys
from pathlib import Path

import pytest

from landscape_cli.errors import LandscapeError

FUZZ = Path(__file__).parents[2] / "scripts" / "fuzz"
FLIPS = 150


@pytest.fixture
def flips(monkeypatch):
    monkeypatch.syspath_prepend(str(FUZZ))
    found = importlib.import_module("flips")
    yield found
    for name in ("flips", "damage", "surfaces"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "kind",
    [
        "surface",
        *(
            pytest.param(kind, marks=pytest.mark.slow)
            for kind in ("directions", "trajectory", "checkpoint")
        ),
    ],
)
def test_no_flip_changes_a_value_without_a_word(tmp_path, flips, kind):
    (content,), compare = getattr(flips, f"prepare_{kind}")(tmp_path)
    path = tmp_path / "flipped.h5"
    path.write_bytes(content)
    compare(path, content)
    chance, refused = random.Random(5), 0
    for _ in range(FLIPS):
        flipped = flips.flip(content, chance)
        path.write_bytes(flipped)
        try:
            compare(path, flipped)
        except LandscapeError:
            refused += 1
    assert FLIPS / 20 < refused < FLIPS
