"""Tests of the study of how training moves: rows by hand, and a short run of every part."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from landscape_cli.cli.error_report import run_script
from support.scripts import load

dynamics, runs = load("dynamics"), load("motion.runs")
rendering = load("rendering")
maps, paths = load("motion.maps"), load("motion.paths")


def test_kinds_differ_in_what_they_are_called():
    seen = {kind.network(0).training for kind in runs.KINDS}
    assert len(seen) == len(runs.KINDS)
    small, large = runs.KINDS[:2]
    for kind, per_epoch in ((small, -(-10000 // 32)), (large, -(-10000 // 1024))):
        assert 1800 < kind.epochs * per_epoch / kind.every <= 2001
    assert "--keep-every 10steps" in " ".join(small.network(0).training)


def test_the_rows_of_a_map_by_hand():
    comparison = {"low": 1.0, "high": 2.0, "verdict": "within"}
    numbers = {
        "statistics": dict.fromkeys(maps.STATISTICS, 1.5),
        "comparisons": [
            {**comparison, "statistic": "dimension", "null": "walk"},
            {**comparison, "statistic": "dimension", "null": "permuted", "verdict": "above"},
            {**comparison, "statistic": "turning", "null": "walk", "low": None},
        ],
    }
    found = {row[1]: row for row in maps.rows("net", numbers)}
    assert found["dimension"] == ["net", "dimension", "1.5", "1 to 2", "**1 to 2**"]
    assert found["cosine of turns"] == ["net", "cosine of turns", "1.5", "none", "none"]


def test_a_row_of_paths_by_hand():
    phases = [
        {"steps": 1, "length": 2.0, "descent": {"mean": 0.12345, "stderr": 0.0321}},
        {"steps": 2, "length": 0.5, "descent": {"mean": 0.5, "stderr": 0.01}},
    ]
    own = {"phases": phases, "values": [{"quantity": "loss", "each": [2.0, 0.75, 0.7, 0.5]}]}
    inside = {"phases": [{"mean": 0.9, "stderr": 0.001}, {"mean": 1.0, "stderr": 0.0001}]}
    assert paths.row(runs.KINDS[0], 1, own, inside) == [
        *("SGD, 32", "1", "2", "0.5", "0.123 ± 0.03", "0.500 ± 0.01"),
        *("0.900 ± 0.001", "1.000 ± 0.0001", "0.75", "0.5"),
    ]
    assert len(paths.HEAD) == 10


@pytest.mark.parametrize("steps", [1, 2, 10])
def test_independent_gradients_with_momentum_turn_little(steps):
    """The covariances of 2 n steps are momentum ** distance; sums of halves have the cosine."""
    places = np.arange(2 * steps)
    covariance = 0.9 ** np.abs(places[:, None] - places)
    first = np.repeat([1, 0], steps)
    inner = first @ covariance @ (1 - first)
    assert maps.turns(0.9, steps) == pytest.approx(inner / (first @ covariance @ first))
    assert maps.turns(0.9, 1) == pytest.approx(0.9)


def test_trainings_are_compared_with_random_walks():
    def numbers(straightness, side):
        def walk(statistic, low, high, verdict="above"):
            one = {"statistic": statistic, "low": low, "high": high, "verdict": verdict}
            return {**one, "null": "walk"}

        comparisons = [
            walk("straightness", 0.1, 0.2),
            walk("explained", 0.7, 0.8),
            walk("square_correlation", 0.5, 0.9, side),
            {**walk("straightness", 9, 9), "null": "permuted"},
            walk("turning", None, None),
        ]
        statistics = {"straightness": straightness, "explained": straightness}
        return {"statistics": statistics, "comparisons": comparisons}

    found = maps.compared({"a": numbers(0.4, "above"), "b": numbers(0.8, "within")})
    assert found["farther"] == pytest.approx([2, 8])
    assert found["explained"] == [0.4, 0.8]
    assert found["walks_explained"] == [0.7, 0.8]
    assert found["parabola"] == {"above": 1, "within": 1, "below": 0}


def test_cosines_are_compared_with_those_of_random_directions():
    n = 2000
    found = paths.far({("a", "before"): [0.5, 0.3], ("a", "after"): [0.9, 0.6]}, n)
    vectors = np.random.default_rng(0).standard_normal((2, 4000, n))
    inner = (vectors[0] * vectors[1]).sum(axis=1)
    cosines = np.abs(inner) / np.linalg.norm(vectors, axis=2).prod(axis=0)
    assert found["random"] == pytest.approx(cosines.mean(), rel=0.05)
    assert found["least"] == pytest.approx(0.3 / found["random"])


def test_errors_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        (["--jobs", "0"], "--jobs"),
        (["maps", "--set", "nonsense"], "--set nonsense: expected KEY=VALUE"),
        (["walks"], "'walks'"),
    ):
        monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
        assert run_script(dynamics.command, "dynamics") == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_every_part_on_few_digits(quick_commands, tmp_path, monkeypatch, capfd):
    batches = (16, 64, 16, 64)
    pairs = zip(runs.KINDS, batches, strict=True)
    kinds = [replace(kind, batch=batch, every=1) for kind, batch in pairs]
    for module in (dynamics, maps, paths):
        monkeypatch.setattr(module, "KINDS", kinds)
        monkeypatch.setattr(module, "SEEDS", (0,))
    monkeypatch.setattr(paths, "POINTS", 5)
    monkeypatch.setattr(paths, "APART", 1)
    monkeypatch.setattr(maps, "APART", 1)
    monkeypatch.setattr(maps, "DRAWS", "2")
    data = ["--set", "problem_args.data=digits", "--set", "problem_args.samples={train: 128}"]
    options = ["--jobs", "1", "--folder", str(tmp_path), "--epochs", "5", *data]

    def call():
        monkeypatch.setattr(sys, "argv", ["script.py", *options])
        code = run_script(dynamics.command, "dynamics")
        output = capfd.readouterr()
        assert code == 0, output
        return output.out

    call()
    tables = {name: (tmp_path / f"{name}.md").read_text() for name in ("maps", "paths")}
    assert len(tables["maps"].splitlines()) == 2 + 4 * len(maps.STATISTICS)
    assert len(tables["paths"].splitlines()) == 2 + 4
    for name in ("maps", "together", "paths"):
        assert (tmp_path / f"{name}.png").exists()
    found = json.loads((tmp_path / "results.json").read_text())
    assert {claim["verdict"] for claim in found["claims"]} <= {"agrees", "undecided", "disagrees"}
    assert found["figures"] == ["maps", "together", "paths"]
    assert rendering.study_page("dynamics", found).startswith("# How training moves\n")
    again = call()
    assert again.count("have ") == 4 + 4
    assert again.count("nothing to do") == 4 + 5
    assert {name: (tmp_path / f"{name}.md").read_text() for name in tables} == tables
