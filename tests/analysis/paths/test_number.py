"""Angles of steps and contours on quadratic surfaces, where they are known exactly."""

import math

import numpy as np
import pytest

from builders import surface
from landscape_cli.analysis.describe import describe
from landscape_cli.analysis.paths.number import text
from landscape_cli.records.trajectory import OTHERS, Trajectory

GRID = ("-2:2:9", "-2:2:11")


def path(places, rates=None, own=None, name=""):
    places = np.array(places, dtype=float)
    values = {} if own is None else {("train", "loss"): np.array(own, dtype=float)}
    labels = tuple(f"c{number}" for number in range(len(places)))
    zeros = np.zeros(len(places))
    return Trajectory(places, zeros, labels, learning_rates=rates, name=name, values=values)


def described(values, *paths, norms=(1.0, 1.0), cosine=0.0, **more):
    first, *others = (one.as_mapping() for one in paths)
    facts = {"norms": dict(zip("xy", norms, strict=True)), "cosines": {"x,y": cosine}}
    facts |= {"trajectory": first, OTHERS: others}
    (entry,) = describe(surface(values, *GRID, provenance=facts, **more))["numbers"]
    return entry


def phases(entry, number=0):
    return entry["path"]["paths"][number]["phases"]


def bowl(x, y):
    return 3 + 0.5 * x**2 + 2 * y**2


def descent(start, rate, count):
    places = [np.array(start, dtype=float)]
    for _ in range(count):
        x, y = places[-1]
        places.append(places[-1] - rate * np.array([x, 4 * y]))
    return places


def test_gradient_descent_crosses_contours_at_right_angles():
    entry = described(bowl, path(descent((1.9, 1.7), 0.1, 12)))
    (phase,) = phases(entry)
    assert (phase["steps"], phase["outside"], phase["phase"]) == (12, 0, "all steps")
    assert phase["mean"] == pytest.approx(1, rel=1e-12)
    assert phase["downhill"] == pytest.approx(1, rel=1e-12)
    assert phase["stderr"] == pytest.approx(0, abs=1e-12)
    assert entry["path"]["random"] == 2 / math.pi


@pytest.mark.parametrize("sides", [6, 40, 1000])
def test_a_path_around_the_minimum_runs_along_contours(sides):
    turns = 2 * np.pi * np.arange(sides + 1) / sides
    circle = 1.5 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    (phase,) = phases(described(lambda x, y: x**2 + y**2, path(circle)))
    assert phase["mean"] == pytest.approx(math.sin(math.pi / sides), rel=1e-9)


def test_phases_are_told_apart_by_the_learning_rate():
    around = [(1, 0), (1, 0.5), (1, 1)]  # along the contours of x^2
    places = [*around, (0.5, 1), (0.25, 1), (0.5, 1.25)]
    rates = (math.nan, 0.1, 0.1, 0.01, 0.01, 0.01)
    first, second = phases(described(lambda x, y: x**2 + 0 * y, path(places, rates)))
    assert (first["phase"], first["learning_rates"]) == ("lr 0.1", [0.1, 0.1])
    assert (first["mean"], first["steps"]) == (pytest.approx(0, abs=1e-12), 2)
    expected = [1, 1, 1 / math.sqrt(2)]
    assert second["steps"] == 3
    assert second["mean"] == pytest.approx(np.mean(expected))
    assert second["stderr"] == pytest.approx(np.std(expected, ddof=1) / math.sqrt(3))
    assert second["downhill"] == pytest.approx((2 - 1 / math.sqrt(2)) / 3)


@pytest.mark.parametrize(("norms", "cosine"), [((1.0, 3.0), 0.0), ((2.0, 0.5), 0.6)])
def test_angles_are_those_of_the_parameter_space(norms, cosine):
    """For |theta|^2 / 2, the way to the centre is the steepest, whatever the directions are."""
    mixed = cosine * norms[0] * norms[1]

    def half_square(x, y):
        return (norms[0] ** 2 * x**2 + norms[1] ** 2 * y**2 + 2 * mixed * x * y) / 2

    straight = [(1.8 * (1 - t), 1.2 * (1 - t)) for t in (0, 0.3, 0.5)]
    (phase,) = phases(described(half_square, path(straight), norms=norms, cosine=cosine))
    assert phase["mean"] == pytest.approx(1, rel=1e-12)


def test_several_trainings_and_losses_off_the_plane():
    down = descent((1.9, 1.7), 0.1, 3)
    own = [bowl(*place) + off for place, off in zip(down, (0.5, -2, 0, math.nan), strict=True)]
    entry = described(
        lambda x, y: 3 + x + y, path([(0, 0), (1, -1)], name="a"), path(down, own=own)
    )
    first, second = entry["path"]["paths"]
    assert first["phases"][0]["mean"] == pytest.approx(0, abs=1e-12)
    assert first["off"] is None
    off = [one - (3 + sum(place)) for one, place in zip(own, down, strict=True)][:3]
    assert second["off"]["mean"] == pytest.approx(np.mean(off))
    assert second["off"]["largest"] == pytest.approx(max(off, key=abs))
    assert second["off"]["checkpoints"] == 3
    lines = text(entry["path"])
    assert lines[0].startswith("a, all steps: |cos| of steps and contour normals")
    assert lines[0].endswith("(1 step)")
    assert lines[-1] == "|cos| of random directions in the plane: 0.637"


def test_steps_outside_and_at_rest_are_left_out():
    places = [(5, 5), (1, 1), (1, 1), (0, 1), (0, 0)]
    (phase,) = phases(described(bowl, path(places)))
    assert (phase["steps"], phase["outside"]) == (2, 2)


def test_random_steps_have_the_stated_mean():
    draw = np.random.default_rng(0)
    places = draw.uniform(-1.9, 1.9, size=(20_001, 2))
    places[1::2] = places[:-1:2] + 1e-3 * draw.normal(size=(10_000, 2))
    entry = described(bowl, path(places))
    assert phases(entry)[0]["mean"] == pytest.approx(2 / math.pi, abs=0.08)


def test_what_can_not_be_known_is_said():
    facts = {"trajectory": path([(0, 1), (0, 0)]).as_mapping()}
    (entry,) = describe(surface(bowl, *GRID, provenance=facts))["numbers"]
    assert entry["path"] is None
    assert entry["unknown"]["path"] == "the lengths of the plane's directions are not recorded"
    entry = described(bowl, path([(9, 9), (8, 8)]))
    assert entry["unknown"]["path"] == "no step of a path begins where the surface has values"
    (entry,) = describe(surface(bowl, *GRID))["numbers"]
    assert entry["path"] is None
    assert "path" not in entry["unknown"]


def test_missing_points_leave_their_neighbours_out():
    def holed(x, y):
        return np.where((x == 0) & (np.abs(y) < 1e-9), np.nan, bowl(x, y))

    places = [(1.4, 1.4), (0.1, 0.1), (1.4, 1.4)]
    (phase,) = phases(described(holed, path(places)))
    assert (phase["steps"], phase["outside"]) == (1, 1)
