import numpy as np
import pytest

from landscape_cli.run.probe.ladder import RUNGS, Ladder, coordinates_of, down_125, draw, round_125


def ladder(function, unit=1.0):
    coordinates = coordinates_of(unit)
    with np.errstate(all="ignore"):
        return Ladder(coordinates, np.array([function(c) for c in coordinates], dtype=float))


def test_the_ladder():
    found = coordinates_of(2)
    assert len(found) == 11
    np.testing.assert_allclose(found[6:], 2 * 10 ** np.array([-2, -1.5, -1, -0.5, 0]))
    np.testing.assert_array_equal(found, -found[::-1])


@pytest.mark.parametrize(
    ("value", "nearest", "below"),
    [(1, 1, 1), (1.5, 2, 1), (3, 2, 2), (3.3, 5, 2), (7, 5, 5), (8, 10, 5), (0.0021, 0.002, 0.002)],
)
def test_rounding(value, nearest, below):
    assert round_125(value) == nearest
    assert down_125(value) == below


def test_reach_on_a_linear_scale():
    # For 1 + r, half of the rise is between the last rungs sqrt(0.1) and 1, at
    # 10 ** (fraction / 2 - 1 / 2) with fraction = (1 / 2 - sqrt(0.1)) / (1 - sqrt(0.1)).
    part = (1 / 2 - np.sqrt(0.1)) / (1 - np.sqrt(0.1))
    found = ladder(lambda a: 1 + abs(a), 0.01)
    assert not found.log
    assert found.reach == round_125(0.02 * 10 ** (part / 2 - 1 / 2)) == 0.01


def test_reach_on_a_log_scale():
    # ln L rises linearly with ln r from the first rung on; half of the rise is at r = 0.1.
    rungs = {**dict(zip(RUNGS, np.exp([2.0, 4, 6, 8, 12]), strict=True)), 0: 1.0}
    found = ladder(lambda a: rungs[abs(a)])
    assert found.log
    assert found.reach == round_125(2 * 0.1) == 0.2


def test_the_side_that_rises_first_determines_the_reach():
    both, one = (ladder(lambda a, s=s: 1 + abs(a) * (a > 0 or s), 0.1) for s in (True, False))
    steep = ladder(lambda a: 10 * (a > 0.005) + abs(a))
    assert both.reach == one.reach
    # The lowest rung has 10.01, so half of 11 is reached before it, where values are linear in r.
    assert steep.reach == round_125(2 * RUNGS[0] * (11 / 2) / 10.01) == 0.01


def test_the_reach_never_exceeds_the_ladder():
    assert ladder(lambda a: float(abs(a) > 0.9)).reach == 1
    assert ladder(lambda a: 1.0).reach == 1
    assert ladder(lambda a: -abs(a), 0.1).reach == 0.1


def test_non_finite_values_count_as_the_highest():
    found = ladder(lambda a: np.inf if abs(a) > 0.5 else 1 + abs(a), 1)
    part = (np.sqrt(0.1) / 2 - 0.1) / (np.sqrt(0.1) - 0.1)
    assert found.reach == round_125(0.2 * 10 ** (part / 2)) == 0.2
    assert ladder(lambda a: np.nan if a else 1.0).reach == 0.01
    assert ladder(lambda a: np.nan if abs(a) > 0.9 else 1.0).reach == 1


def test_a_plot_in_characters():
    found = draw(ladder(lambda a: 10 * abs(a) if a < 0.9 else np.inf))
    assert len(found) == 11
    assert found[0] == "        -1           10  " + "#" * 40
    assert found[5] == "         0            0"
    assert found[9] == "     0.316       3.1623  " + "#" * 13
    assert found[10].endswith("inf  not finite")
    assert all(line.split()[1:] == ["1"] for line in draw(ladder(lambda a: 1)))
