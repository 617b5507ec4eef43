"""Repeats in `landscape info` and `landscape plot`."""

import json

import numpy as np
import pytest

from builders import surface
from landscape_cli.plotting import FORMATS
from landscape_cli.store import write_surface

LOSS = ("train", "loss")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a line that has two repeats."""
    values = [[3.0, 2, 1], [3, 4, 9]]
    write_surface(tmp_path / "s.h5", surface(values, "0:2:3", repeats=2, stderr=0))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_info_shows_the_spread_over_repeats(folder, landscape):
    code, out, _ = landscape("info", "s.h5")
    assert code == 0
    assert "shape:      3 points (x), 2 repeats\n" in out
    assert (
        "train loss: minimum 1 at (2) of repeat 0, maximum 9, centre 3\n"
        "            spread over repeats (standard deviation): 2.36 in the mean over 3 points, at "
        "most 5.66 at (2)\n"
    ) in out
    facts = json.loads(landscape("info", "s.h5", "--json")[1])
    assert facts["repeats"] == 2
    assert facts["shape"] == [2, 3]
    found = facts["quantities"]["train"]["loss"]
    assert found["minimum_at"] == [2, 0]
    assert found["spread"]["largest"] == pytest.approx(np.sqrt(32))


@pytest.mark.parametrize("ending", FORMATS)
def test_repeats_are_drawn(folder, landscape, ending):
    code, out, err = landscape("plot", "s.h5", "-o", f"a.{ending}")
    assert (code, out, err) == (0, f"wrote {folder}/a.{ending}\n", "")
    if ending == "svg":
        assert "mean ± std of 2 repeats" in (folder / "a.svg").read_text()
    assert landscape("plot", "s.h5", "--repeat", "1", "-o", f"b.{ending}")[0] == 0
    code, out, err = landscape("plot", "s.h5", "--repeat", "2")
    assert (code, out) == (2, "")
    assert err == "landscape: --repeat 2: s.h5 has 2 repeats; choose one from 0 to 1\n"
