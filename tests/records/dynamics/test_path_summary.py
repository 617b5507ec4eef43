import math

import numpy as np
import pytest

from landscape_cli.records.dynamics.path_lengths import PathLengths
from landscape_cli.records.dynamics.path_summary import (
    mean_and_error,
    path_facts,
    path_lines,
    random_cosine,
)
from landscape_cli.records.trajectory import Trajectory


def test_the_mean_cosine_of_random_directions():
    assert random_cosine(1) == pytest.approx(1)
    assert random_cosine(2) == pytest.approx(2 / math.pi)
    assert random_cosine(3) == pytest.approx(1 / 2)
    assert random_cosine(10**6) == pytest.approx(math.sqrt(2 / (math.pi * 10**6)), rel=1e-6)
    assert random_cosine(None) is None
    draws = np.random.default_rng(1).normal(size=(100_000, 7))
    cosines = np.abs(draws[:, 0]) / np.linalg.norm(draws, axis=1)
    assert random_cosine(7) == pytest.approx(cosines.mean(), rel=5e-3)


def test_means_leave_out_what_is_unknown():
    assert mean_and_error(np.array([1, math.nan, 3])) == (2, pytest.approx(1), 2)
    mean, error, count = mean_and_error(np.array([5.0]))
    assert (mean, count) == (5, 1)
    assert math.isnan(error)
    assert mean_and_error(np.array([math.nan]))[2] == 0


def path():
    return Trajectory(
        np.zeros((4, 2)),
        np.array([0.0, 2.0, 1.0, 0.0]),
        ("a", "b", "c", "d"),
        learning_rates=(math.nan, 0.1, 0.1, 0.01),
        values={("train", "loss"): np.array([4.0, math.inf, 1.0, 2.0])},
        lengths=PathLengths(
            np.array([0.0, 3.0, 5.0, 6.0]),
            np.array([6.0, 4.0, 1.0, 0.0]),
            np.array([3.0, 4.0, 1.0]),
            np.array([0.0, 0.5]),
        ),
        descent=np.array([0.5, -0.25, 1.0]),
        parameters=2,
    )


def test_lines_state_lengths_angles_and_values():
    lines = path_lines(path())
    assert lines[0] == "4 checkpoints, a to d"
    assert "  residual     at most 2 off the plane (b)" in lines
    assert "  train loss: from 4 to 2, lowest 1 (c); 1 not finite" in lines
    assert (
        "  length       8 in 3 steps; the ends are 6 apart, the farthest checkpoint is 6 from the "
        "first" in lines
    )
    assert "  steps        1 to 4, median 3" in lines
    assert "  turns        60.0 to 90.0 degrees, median 75.0" in lines
    assert (
        "  lr 0.1       2 steps of length 7 in all; mean turn 90.0 degrees; cos(step, -gradient) "
        "0.125 \N{PLUS-MINUS SIGN} 0.4, |cos| 0.375 \N{PLUS-MINUS SIGN} 0.1" in lines
    )
    assert "  lr 0.01      1 step of length 1 in all; cos(step, -gradient) 1, |cos| 1" in lines
    assert "  random       |cos| of a random direction: 0.64" in lines


def test_facts_are_those_of_the_lines():
    facts = path_facts(path())
    assert facts["values"][0]["each"] == [4.0, "inf", 1.0, 2.0]
    assert facts["values"][0]["minimum"] == {"value": 1.0, "label": "c"}
    assert facts["lengths"]["total"] == 8
    assert [one["steps"] for one in facts["phases"]] == [2, 1]
    assert facts["phases"][0]["descent"]["mean"] == 0.125
    assert facts["phases"][1]["abs_descent"] == {"mean": 1, "stderr": None, "steps": 1}
    assert facts["random_descent"] == pytest.approx(2 / math.pi)


def test_a_path_of_an_earlier_version_has_only_its_residuals():
    plain = Trajectory(np.zeros((2, 2)), np.full(2, math.nan), ("a", "b"))
    assert path_lines(plain) == ["2 checkpoints, a to b"]
    assert path_facts(plain)["lengths"] is None
