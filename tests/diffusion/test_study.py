"""A map with its statistics, beside null walks."""

import numpy as np
import pytest

from landscape_cli.diffusion.diffusion_map import diffusion_map
from landscape_cli.diffusion.study import (
    KINDS,
    Choices,
    NullWalks,
    draws_for,
    joined,
    null_of,
    shortened,
    study,
)


def distances2(points):
    points = np.asarray(points, dtype=np.float64).reshape(len(points), -1)
    return ((points[:, None] - points[None]) ** 2).sum(axis=2)


def alone(count):
    return np.zeros(count, dtype=np.int64)


def numbers(points, training=None, **choices):
    training = alone(len(points)) if training is None else training
    return study(distances2(points), training, Choices(**choices))


def test_a_line_has_the_statistics_of_a_line():
    found = numbers(np.linspace(0, 1, 100), epsilon=1e-3)["statistics"]
    assert found["gap"] == pytest.approx(4, rel=0.02)
    assert found["time_correlation"] == pytest.approx(np.sqrt(96) / np.pi**2, abs=2e-3)
    assert found["square_correlation"] == pytest.approx(1, abs=1e-3)
    assert found["dimension"] == pytest.approx(1, abs=0.1)
    for name in ("explained", "components", "turning", "straightness"):
        assert found[name] == pytest.approx(1, rel=1e-9)


def test_a_closed_circle_is_not_straight_and_turns_by_its_angle():
    angles = 2 * np.pi * np.arange(51) / 50
    found = numbers(np.stack([np.cos(angles), np.sin(angles)], axis=1))["statistics"]
    assert found["straightness"] == pytest.approx(0, abs=1e-9)
    assert found["turning"] == pytest.approx(np.cos(2 * np.pi / 50), rel=1e-9)
    assert found["components"] == pytest.approx(2, rel=1e-2)


def test_statistics_of_paths_are_means_over_trainings():
    one, other = np.linspace(0, 1, 20), np.array([5.0, 6, 5, 6, 5])
    training = np.repeat([0, 1], [20, 5])
    found = numbers(np.concatenate([one, other]), training)["statistics"]
    assert found["turning"] == pytest.approx((1 - 1) / 2, abs=1e-9)
    assert found["straightness"] == pytest.approx((1 + 0) / 2, abs=1e-9)


def test_what_is_not_defined_is_nan():
    training = np.array([0, 0, 1, 1])
    found = numbers([0.0, 0.0, 1.0, 1.0], training, components=2)["statistics"]
    assert np.isnan([found["turning"], found["straightness"], found["time_correlation"]]).all()


@pytest.mark.parametrize("scale", [1e-140, 1e-30, 1e150])
def test_statistics_do_not_depend_on_the_unit(scale):
    points = walk(20, 5, seed=4)
    found, scaled = numbers(points), numbers(scale * points)
    for name, value in found["statistics"].items():
        assert scaled["statistics"][name] == pytest.approx(value, rel=1e-5)
    square = distances2(scale * points)
    for kind in KINDS:
        one = NullWalks(kind, square, alone(20), 5, Choices()).draw(0)
        other = NullWalks(kind, distances2(points), alone(20), 5, Choices()).draw(0)
        np.testing.assert_allclose(one.eigenvalues, other.eigenvalues, rtol=1e-5)


def test_a_record_has_the_spectra_at_half_and_twice_the_bandwidth():
    points = np.random.default_rng(0).normal(size=(40, 3))
    found = numbers(points, epsilon="median", alpha=0.5, components=1, time=2.0)
    for spectrum in found["spectra"]:
        other = diffusion_map(distances2(points), spectrum.factor * found["epsilon"], 0.5, 1)
        np.testing.assert_array_equal(spectrum.eigenvalues, other.eigenvalues)
    assert [one.factor for one in found["spectra"]] == [0.5, 2.0]
    assert found["coordinates"].shape == (40, 1)
    assert found["eigenvalues"].shape == (2,)
    assert (found["chosen"], found["alpha"], found["time"]) == ("median", 0.5, 2.0)
    assert numbers(points, epsilon=0.25)["chosen"] == "given"
    assert numbers(points, epsilon=0.25)["epsilon"] == 0.25


def walk(count, dimension, seed):
    steps = np.random.default_rng(seed).normal(size=(count, dimension))
    return np.cumsum(steps / np.linalg.norm(steps, axis=1, keepdims=True), axis=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_random_walk_is_unlike_its_nulls_as_often_as_chance_has_it(kind):
    """A value is outside the range of 9 draws of its own distribution with probability 2 / 10."""
    outside = []
    for seed in range(30):
        points = walk(30, 100, seed)
        found = numbers(points)["statistics"]
        nulls = NullWalks(kind, distances2(points), alone(30), 100, Choices(seed=seed))
        drawn = null_of(kind, seed, [nulls.draw(number) for number in range(9)])
        for name, values in drawn.statistics.items():
            if name != "straightness":
                outside.append(not values.min() <= found[name] <= values.max())
    assert 0.1 < np.mean(outside) < 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_a_straight_path_is_unlike_random_steps_alone(kind):
    places = np.zeros((60, 300))
    places[:, 0] = np.arange(60)
    found = numbers(places)["statistics"]
    drawn = NullWalks(kind, distances2(places), alone(60), 300, Choices()).draw(0).statistics
    assert (abs(drawn["turning"] - found["turning"]) > 0.5) == (kind == "walk")
    assert (drawn["components"] > 2) == (kind == "walk")


def test_a_walk_depends_on_its_kind_number_and_seed_alone():
    square = distances2(walk(30, 50, seed=2))

    def drawn(kind, number, seed=0):
        return NullWalks(kind, square, alone(30), 50, Choices(seed=seed)).draw(number)

    again = NullWalks("walk", square, alone(30), 50, Choices())
    again.draw(7)
    assert again.draw(1).coordinates.tobytes() == drawn("walk", 1).coordinates.tobytes()
    others = [drawn("walk", 1), drawn("walk", 2), drawn("walk", 1, 1), drawn("permuted", 1)]
    assert len({one.coordinates.tobytes() for one in others}) == 4


def test_walks_are_appended_and_left_out_in_order():
    nulls = NullWalks("walk", distances2(walk(12, 9, seed=3)), alone(12), 9, Choices(components=2))
    drawn = [nulls.draw(number) for number in range(4)]
    every = null_of("walk", 0, drawn)
    both = joined(null_of("walk", 0, drawn[:1]), null_of("walk", 0, drawn[1:]))
    for one in (joined(None, every), both):
        np.testing.assert_array_equal(one.eigenvalues, every.eigenvalues)
        np.testing.assert_array_equal(one.epsilons, every.epsilons)
        np.testing.assert_array_equal(one.coordinates, drawn[0].coordinates)
        np.testing.assert_array_equal(one.statistics["gap"], every.statistics["gap"])
    few = shortened(every, 3)
    assert (len(few.epsilons), len(few.eigenvalues), len(few.statistics["gap"])) == (3, 3, 3)


def test_there_are_fewer_walks_of_many_points():
    assert [draws_for(n) for n in (3, 2000, 2500, 4000, 10**5)] == [20, 20, 10, 5, 5]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"epsilon": 0.0}, "epsilon: got 0"),
        ({"epsilon": np.inf}, "epsilon: got inf"),
        ({"epsilon": "wide"}, "epsilon: got 'wide'"),
        ({"alpha": -0.1}, "alpha: got -0.1"),
        ({"time": np.nan}, "time: got nan"),
        ({"components": 9}, "components: got 9, expected 1 to 8"),
        ({"components": 0}, "components: got 0"),
    ],
)
def test_settings_out_of_range_are_refused(choices, words):
    with pytest.raises(ValueError, match=words):
        Choices(**choices).check(9)
