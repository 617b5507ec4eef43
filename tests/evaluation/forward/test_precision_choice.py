"""A reduced precision is used if it is faster than fp32, by times that are really measured."""

import numpy as np
import pytest

from builders import image_evaluator
from landscape_cli.evaluation.forward.benchmark import Benchmark
from landscape_cli.evaluation.forward.precision_choice import (
    AGREEMENT,
    PrecisionTiming,
    time_precision,
)
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.passes import Passes
from landscape_cli.problems.zoo.resnet import ResNet


def evaluator(precision):
    return image_evaluator(
        lambda: ResNet(8, channels=3), settings=Settings(16, precision=precision)
    )


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("insist", [True, False])
def test_the_choice_follows_from_the_measured_times(precision, insist):
    made = evaluator(precision)
    timing = time_precision(made, insist)
    assert timing.seconds.keys() == {precision, "fp32"}
    assert min(timing.seconds.values()) > 0
    slower = timing.seconds[precision] > timing.seconds["fp32"]
    assert timing.slower == slower
    assert timing.used == ("fp32" if slower and not insist else precision)
    assert made.settings == Settings(16, precision=precision)


@pytest.mark.parametrize("precision", ["fp32", "tf32"])
def test_full_precision_is_not_timed(precision):
    assert time_precision(evaluator(precision), False) is None


@pytest.mark.parametrize(("reduced", "used"), [(0.3, "fp32"), (0.1, "bf16"), (0.2, "bf16")])
def test_the_fastest_pass_of_each_counts_and_the_first_does_not(monkeypatch, reduced, used):
    passes = {"bf16": iter([9.0, 0.4, reduced, 0.5]), "fp32": iter([0.01, 0.3, 0.2, 0.2])}
    monkeypatch.setattr(
        Benchmark, "time_settings", lambda self, settings: next(passes[settings.precision]) / 100
    )
    timing = time_precision(evaluator("bf16"), False)
    assert timing.used == used
    assert timing.seconds == pytest.approx({"bf16": reduced / 100, "fp32": 0.002})


def test_slow_passes_are_not_repeated(monkeypatch):
    passes = []

    def slow(self, settings):
        passes.append(settings.precision)
        return 60.0

    monkeypatch.setattr(Benchmark, "time_settings", slow)
    assert time_precision(evaluator("bf16"), False).used == "bf16"  # no slower
    assert passes == ["bf16", "fp32"] * 2


def test_the_warning_names_both_times():
    timing = PrecisionTiming("bf16", "fp32", {"bf16": 14.4, "fp32": 2.6})
    assert timing.warning() == (
        "precision: bf16 takes 14.4 s for a batch on this machine, fp32 2.6 s, so fp32 is used "
        "(--even-if-slower insists on bf16)"
    )
    kept = PrecisionTiming("bf16", "bf16", timing.seconds).warning()
    assert kept.endswith("fp32 2.6 s; it is used all the same")


@pytest.mark.parametrize(("resized", "samples"), [(600, {512}), (200, {200})])
def test_few_samples_tell_which_precision_is_faster(resized, samples):
    made = image_evaluator(
        lambda: ResNet(8, channels=3), samples=(620,), settings=Settings(resized, precision="bf16")
    )
    lengths, objective = set(), made.objective.objective

    def record(model, batch):
        lengths.add(len(batch[0]))
        return objective(model, batch)

    made.objective = Passes(record)
    time_precision(made, True)
    assert lengths == samples


@pytest.mark.parametrize(("reach", "used"), [(1e-4, "fp32"), (1.0, "bf16")])
def test_values_must_agree_to_a_fraction_of_their_range(reach, used):
    """Near the centre, where the loss hardly changes, the errors of bf16 would show."""
    made = evaluator("bf16")
    points = [(0.0, 0.0), (reach, reach), (-reach, reach)]
    timing = time_precision(made, True, points)
    assert timing.used == used
    assert (timing.compared.largest_of_range() <= AGREEMENT) == (used == "bf16")
    values = {}
    for precision in ("fp32", "bf16"):
        made.set_forward(Settings(16, precision=precision))
        split = list(made.first_split)
        values[precision] = np.array([made.values(one, split).means()[0][0, 0] for one in points])
    extent = np.ptp(values["fp32"])
    differences = np.abs(values["bf16"] - values["fp32"])
    assert timing.as_mapping()["difference"] == pytest.approx(differences.max() / extent, rel=1e-6)
