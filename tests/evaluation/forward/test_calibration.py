"""Tests of calibration on evaluators whose cost is known."""

import math
import time

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from builders import evaluator
from landscape_cli.evaluation.forward.benchmark import Benchmark
from landscape_cli.evaluation.forward.calibration import (
    LEAST_SECONDS,
    MOST_SECONDS,
    calibrate_settings,
)
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.geometry.directions.random import RandomDirection

pytestmark = pytest.mark.alone  # other tests at the same time would change what is timed

CPU = torch.device("cpu")
LONG = 10**7
CORNER = (1.0,)


def taking(cost, samples=128, settings=None):
    """An evaluator whose forward pass sleeps for a time that depends on its batch's length."""
    torch.manual_seed(0)
    model = nn.Linear(3, 1)

    def objective(model, batch):
        time.sleep(cost(len(batch[0])))
        return {"loss": model(batch[0]).squeeze(1)}

    splits = {"train": TensorDataset(torch.randn(samples, 3))}
    return evaluator(model, splits, objective, {"x": RandomDirection(seed=1)}, settings)


def by_sample(length):
    return 0.0005 * length


def by_batch(length):
    return 0.004


@pytest.mark.parametrize(
    ("saved", "faster"),
    [
        pytest.param(0.5, True, marks=pytest.mark.slow),
        (0.2, True),
        (0.03, False),
        pytest.param(-1, False, marks=pytest.mark.slow),
    ],
)
def test_a_benchmark_is_won_by_clearly_faster_settings(saved, faster):
    evaluator = taking(lambda length: 0.02 * (1 - saved) if length == 8 else 0.04)
    benchmark = Benchmark(evaluator, list(evaluator.first_split), divisible=True)
    outcome = benchmark.compare_settings(Settings(8), Settings(16))
    assert outcome.faster is faster
    assert outcome.seconds > (1 - saved) * 0.04 / 16
    assert outcome.against > 0.04 / 16


def test_a_benchmark_ends_at_its_deadline():
    evaluator = taking(by_sample)
    benchmark = Benchmark(evaluator, list(evaluator.first_split), True, time.perf_counter())
    assert benchmark.compare_settings(Settings(8), Settings(16)) is None


def test_settings_that_are_no_faster_are_not_taken():
    found = calibrate_settings(taking(by_sample), LONG, 1, CORNER)
    assert found.settings == Settings(16)
    assert {one["settings"]["micro_batch"] for one in found.tried} >= {32, 8}
    assert not any(one["taken"] for one in found.tried)


def test_a_micro_batch_grows_as_long_as_that_helps():
    found = calibrate_settings(taking(by_batch), LONG, 1, CORNER)
    assert found.settings == Settings(128)
    taken = [one["settings"]["micro_batch"] for one in found.tried if one["taken"]]
    assert taken[-1] == 128
    assert set(taken) <= {32, 64, 128}


def test_a_failed_step_is_followed_by_a_double_one():
    """32 samples take longer than two batches of 16, but 64 no longer than one of them."""
    evaluator = taking(lambda length: 0.012 if length == 32 else 0.004)
    found = calibrate_settings(evaluator, LONG, 1, CORNER)
    taken = [(one["settings"]["micro_batch"], one["taken"]) for one in found.tried]
    assert taken[:2] == [(32, False), (64, True)]


def test_a_given_micro_batch_is_kept():
    found = calibrate_settings(taking(by_batch), LONG, 1, CORNER, resize=False)
    assert found.settings == Settings(16)


def test_calibration_takes_a_small_part_of_the_run():
    found = calibrate_settings(taking(by_batch), LONG, 1, CORNER)
    assert found.tried
    assert found.seconds < 2 * MOST_SECONDS
    shares = [one["seconds_per_sample"] / one["against"] for one in found.tried if one["taken"]]
    assert found.estimate_seconds(2) == pytest.approx(found.work / 2 * math.prod(shares))
    assert math.prod(shares) < 0.5


def test_a_short_run_is_timed_once():
    lengths = []
    evaluator = taking(lambda length: lengths.append(length) or 0.004)
    assert not calibrate_settings(evaluator, 10, 1, CORNER).tried
    assert lengths == [16]


@pytest.mark.parametrize(
    ("budgets", "ranks", "calibrated"),
    [(0.4, 1, False), (0.4, 4, False), (1.6, 1, True), (1.6, 4, True), (1.6, 64, False)],
)
def test_the_same_runs_are_calibrated_on_any_small_number_of_ranks(budgets, ranks, calibrated):
    """The run's work is clearly above or below the least that is calibrated on eight ranks."""
    least = LEAST_SECONDS / 0.02 * 8
    point = 8 * 0.004  # seconds per point of eight batches
    found = calibrate_settings(taking(by_batch), round(budgets * least / point), ranks, CORNER)
    assert bool(found.tried) is calibrated
