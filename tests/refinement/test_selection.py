import numpy as np

from landscape_cli.refinement.selection import DISTANCE, apart

LINE = np.arange(10.0)[:, None]


def test_the_most_urgent_come_first_and_exclude_those_around_them():
    urgency = np.array([1.0, 9, 8, 2, 3, 3, 1, 1, 7, 1])
    assert apart(LINE, urgency, np.ones(10), 10).tolist() == [1, 8, 4, 6]
    assert apart(LINE, urgency, np.ones(10), 2).tolist() == [1, 8]
    assert sorted(apart(LINE, urgency, np.full(10, 0.5), 10)) == list(range(10))


def test_selected_places_are_apart():
    places = np.random.default_rng(0).random((500, 2))
    radii = np.random.default_rng(1).random(500) / 10
    chosen = apart(places, np.arange(500.0), radii, 500)
    for number, place in enumerate(chosen):
        gaps = np.linalg.norm(places[chosen[number + 1 :]] - places[place], axis=1)
        assert (gaps > DISTANCE * radii[place]).all()


def test_rounding_does_not_decide_between_equals():
    urgency = 1 / 3 + np.array([0, 1e-12, -1e-12, 2e-12, 0, 0, 0, 0, 0, 0])
    assert apart(LINE, urgency, np.full(10, 3.0), 3).tolist() == [0, 4, 8]


def test_infinite_urgency():
    urgency = np.where(np.arange(10) > 7, np.inf, 1.0)
    assert apart(LINE, urgency, np.ones(10), 1).tolist() == [8]
