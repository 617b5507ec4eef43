import math

import pytest

from landscape_cli.records.dynamics.phases import drops, phases


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ((0.1, 0.1, 0.01, 0.01), [1]),
        ((float("nan"), 0.1, 0.05, 0.05), [1]),
        ((0.1, 0.2, 0.19, 0.18), []),
        (tuple(0.5**k for k in range(20)), []),
        (None, []),
    ],
)
def test_only_drops_of_a_step_schedule_count(rates, expected):
    assert drops(rates) == expected


@pytest.mark.parametrize(
    ("count", "rates", "expected"),
    [
        (6, (math.nan, 0.1, 0.1, 0.01, 0.01, 0.001), {"lr 0.1": 2, "lr 0.01": 2, "lr 0.001": 1}),
        (4, (0.1, 0.2, 0.3, 0.4), {"lr 0.2 to 0.4": 3}),
        (3, None, {"all steps": 2}),
        (3, (math.nan,) * 3, {"all steps": 2}),
        (1, (0.1,), {}),
        (2, (0.1, 0.01), {"lr 0.01": 1}),
    ],
)
def test_steps_belong_to_the_rate_that_led_to_their_end(count, rates, expected):
    found = phases(count, rates)
    assert {phase.words(): len(phase.steps) for phase in found} == expected
    assert [step for phase in found for step in phase.steps] == list(range(count - 1))
