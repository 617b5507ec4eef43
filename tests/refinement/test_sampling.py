"""Targets and checks of sampled points, on surfaces that are known beforehand."""

from dataclasses import replace

import numpy as np
import pytest

from builders import grid
from landscape_cli.records.levels import level_of_points
from landscape_cli.records.tiles import Status
from landscape_cli.refinement.sampling import Sampling
from landscape_cli.refinement.sampling_summary import describe_samples, numbers_of
from landscape_cli.store import empty_surface

LOSS = ("train", "loss")
SHAPE = (17, 17)


def bowl(scale=1.0):
    """A surface of which all points but the anchors took 64 of 1000 samples."""
    over = grid("-1:1:17", "-1:1:17")
    x, y = np.meshgrid(*[np.linspace(-1, 1, 17)] * 2)
    anchors = level_of_points(SHAPE) == 0
    return replace(
        empty_surface(over, {}, {}),
        values={LOSS: scale * (x**2 + y**2)},
        stderr={LOSS: np.full(SHAPE, 0.1)},
        status=np.full(SHAPE, Status.OK, np.uint8),
        samples={"train": np.where(anchors, 1000, 64).astype(np.int32)},
    )


def evaluate_all(surface, anew, change=0.0):
    """Evaluate points on all samples, which changes their values."""
    values = surface.values[LOSS].copy()
    values[anew] += change
    taken = np.where(anew, 1000, surface.samples["train"]).astype(np.int32)
    return replace(surface, values={LOSS: values}, samples={"train": taken})


def test_the_target_is_a_fraction_of_the_range_over_the_anchors():
    sampling = Sampling(SHAPE, False, 0.01, 64)
    surface = bowl()
    surface.values[LOSS][~sampling.anchors] *= 100  # does not count
    (key, target), *others = sampling.rule(surface, {}).targets.items()
    assert (key, others) == (LOSS, [])
    assert not target.relative
    assert target.stderr == pytest.approx(0.02)
    assert sampling.rule(surface, {"halvings": 2}).targets[LOSS].stderr == pytest.approx(0.005)
    assert sampling.everything({}).targets == {}


def test_on_a_log_scale_it_is_a_fraction_of_the_mean():
    sampling = Sampling(SHAPE, False, 0.01, 64, "log")
    surface = bowl()
    surface.values[LOSS][...] = np.exp(surface.values[LOSS])
    target = sampling.rule(surface, {}).targets[LOSS]
    assert target.relative
    assert target.stderr == pytest.approx(0.02)
    assert target.lowest == pytest.approx(np.exp(0.2))


def test_small_errors_are_stated():
    sampling, surface = Sampling(SHAPE, False, 0.01, 64), bowl()
    facts, anew = sampling.check(surface, {})
    assert anew.sum() == len(facts["checked"]["points"]) == 16
    assert not (anew & sampling.anchors).any()
    after = evaluate_all(surface, anew, 0.0481)
    facts, rest = sampling.check(after, facts)
    assert not rest.any()
    assert facts["error"]["train/loss"] == pytest.approx(0.02405)
    assert facts["beyond"] == pytest.approx(1 - 0.025 ** (1 / 16))
    before = sampling.before(after, facts)
    np.testing.assert_array_equal(before.values[LOSS], surface.values[LOSS])
    assert sampling.check(after, facts)[1].any() is np.False_
    lines = describe_samples(facts, after.samples)
    assert lines[0].startswith("train: 64 to 1000 samples a point, mean ")
    assert "train loss 2.5 %" in lines[1]
    assert lines[2].endswith("sampled points err by less than 4 %")


def test_a_large_error_halves_the_target_and_draws_others():
    sampling, surface = Sampling(SHAPE, False, 0.01, 64), bowl()
    facts, anew = sampling.check(surface, {})
    first = facts["checked"]["points"]
    after = evaluate_all(surface, anew, 0.1)  # five times the tolerance
    facts, again = sampling.check(after, facts)
    assert facts["halvings"] == 1
    assert "checked" not in facts
    assert (again == (after.samples["train"] < 1000)).all()
    facts, anew = sampling.check(after, facts)
    second = facts["checked"]["points"]
    assert len(second) == 32
    assert not set(first) & set(second)
    assert facts["beyond"] == pytest.approx(1 - 0.0125 ** (1 / 32))
    facts, rest = sampling.check(evaluate_all(after, anew), facts)
    assert not rest.any()
    assert facts["error"] == {"train/loss": 0.0}


def held_out(surface, points, change):
    """Return the facts of a file whose held-out points were checked."""
    values = surface.values[LOSS].ravel()[points] - change
    checked = {"points": points, "values": {"train/loss": values.tolist()}, "held_out": True}
    surface.samples["train"].ravel()[points] = 1000
    return {"tolerance": 0.01, "first": 64, "halvings": 0, "checked": checked}


def test_held_out_points_are_the_check_if_there_are_enough():
    sampling, surface = Sampling(SHAPE, False, 0.01, 64), bowl()
    others = np.flatnonzero(~sampling.anchors)
    few = held_out(bowl(), others[:10].tolist(), 0.0)
    rule, begun = sampling.checking(surface, {})
    assert rule == replace(sampling.rule(surface, {}), to_end=True)
    assert begun == {"tolerance": 0.01, "first": 64, "halvings": 0}
    assert sampling.checking(surface, few)[1] == few
    facts, anew = sampling.check(surface, few)
    assert anew.sum() == len(facts["checked"]["points"]) == 16
    assert "held_out" not in facts["checked"]
    points = others[::9].tolist()
    facts = held_out(surface, points, 0.0481)
    assert sampling.before(surface, facts) is surface
    facts, rest = sampling.check(surface, facts)
    assert not rest.any()
    assert facts["error"]["train/loss"] == pytest.approx(0.02405)
    assert facts["beyond"] == pytest.approx(1 - 0.025 ** (1 / len(points)))
    lines = describe_samples(facts, surface.samples)
    assert lines[1].startswith(f"{len(points)} points evaluated on all samples differ by at most")
    assert lines[2].endswith("points drawn at random err by less than 4 %")
    facts, anew = sampling.check(surface, held_out(surface, points, 0.1))
    assert facts == {"tolerance": 0.01, "first": 64, "halvings": 1}
    assert (anew == (surface.samples["train"] < 1000)).all()


def test_failed_and_infinite_points_are_no_errors():
    sampling, surface = Sampling(SHAPE, False, 0.01, 64), bowl()
    surface.values[LOSS][8, 3] = np.inf
    facts, anew = sampling.check(surface, {})
    points = facts["checked"]["points"]
    after = evaluate_all(surface, anew)
    after.values[LOSS].ravel()[points[0]] = np.nan
    after.status.ravel()[points[0]] = Status.FAILED
    facts, rest = sampling.check(after, facts)
    assert not rest.any()
    assert facts["error"] == {"train/loss": 0.0}


def test_nothing_is_checked_where_every_point_took_all_samples():
    sampling, surface = Sampling(SHAPE, False, 0.01, 64), bowl()
    surface.samples["train"][...] = 1000
    facts, anew = sampling.check(surface, {})
    assert not anew.any()
    assert facts["error"] == {}
    assert describe_samples(facts, surface.samples) == ["train: all 1000 samples a point"]


def test_numbers_of_samples_in_words():
    assert numbers_of(np.zeros(3, np.int32)) == "no samples yet"
    assert numbers_of(np.array([0, 64, 128])) == "64 to 128 samples a point, mean 96"
