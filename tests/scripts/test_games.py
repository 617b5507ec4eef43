"""Games of two players: closed forms of their steps, scores of samples, and short runs."""

import importlib
import itertools
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from landscape_cli.cli.error_report import run_script
from landscape_cli.store import read_surface

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scripts" / "reproduce"


def load(name, folder=FOLDER):
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


bilinear, games_bilinear = load("gan.bilinear"), load("games_bilinear")


@pytest.mark.parametrize("rate", [0.1, 0.7])
def test_matrices_of_steps_of_the_bilinear_game(rate):
    matrices = {
        "simultaneous": [[1, -rate], [rate, 1]],
        "alternating": [[1, -rate], [rate, 1 - rate**2]],
        "prediction": [[1, -rate], [rate, 1 - 2 * rate**2]],
    }
    assert {*matrices} == {*bilinear.METHODS}
    for method, exact in matrices.items():
        found = bilinear.update_matrix(method, rate)
        np.testing.assert_allclose(found, exact, atol=1e-15)
        assert bilinear.radius(found) == pytest.approx(bilinear.closed_form(method, rate))


def test_spectral_radii():
    radii = [bilinear.closed_form(method, 0.6) for method in bilinear.METHODS]
    assert radii == pytest.approx([math.sqrt(1.36), 1, 0.8])


def test_a_path_repeats_the_matrix():
    for method in bilinear.METHODS:
        matrix = bilinear.update_matrix(method, 0.3)
        points = bilinear.path(method, (0.4, -0.2), 0.3, 5)
        assert points.shape == (6, 2)
        for before, after in itertools.pairwise(points):
            np.testing.assert_allclose(after, matrix @ before, atol=1e-15)


def test_the_bilinear_study(tmp_path, quick_commands, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["games_bilinear", "--folder", str(tmp_path), "--jobs", "1"])
    assert run_script(games_bilinear.command, "games_bilinear") == 0
    surface = read_surface(tmp_path / "value.h5")
    x, y = (surface.grid.axes[axis].coordinates for axis in "xy")
    np.testing.assert_allclose(surface.values["game", "value"], np.outer(y, x), atol=1e-7)
    found = json.loads((tmp_path / "results.json").read_text())
    assert found["numbers"]["off"] < 1e-12
    assert {claim["verdict"] for claim in found["claims"]} == {"agrees"}
    assert (tmp_path / "paths.png").stat().st_size < 200_000
    committed = ROOT / "docs" / "atlas" / "games_bilinear.json"
    if committed.exists():
        assert_same_keys(found, json.loads(committed.read_text()))


def assert_same_keys(found, committed):
    """Fail unless results have the settings, numbers, tables, claims and figures of others."""
    for part in ("settings", "numbers", "tables"):
        assert list(found[part]) == list(committed[part])
    assert found["figures"] == committed["figures"]
    claims = [
        [(claim["source"], claim["says"]) for claim in each["claims"]]
        for each in (found, committed)
    ]
    assert claims[0] == claims[1]
