"""Points evaluated on as many samples as they need, against sums over the same samples."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from builders import evaluator, random_directions, regression
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.data.pieces import between, cut
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.passes import Passes
from landscape_cli.evaluation.points.split_test import SplitTest
from landscape_cli.problems.objectives import mean_squared_error
from landscape_cli.records.stop_rule import StopRule, Target
from landscape_cli.records.tiles import Tile

LOSS = ("train", "loss")
POINTS = ((0.0, 0.0), (0.3, -0.2), (2.0, 1.0), (-4.0, 3.0))


@given(st.lists(st.integers(1, 40), max_size=12), st.integers(1, 50))
def test_cut_batches_end_where_a_point_may_stop_and_keep_all_samples(lengths, first):
    starts = np.cumsum([0, *lengths])
    batches = [(torch.arange(a, b), torch.arange(a, b) * 2) for a, b in pairwise(starts)]
    pieces = list(cut(batches, first))
    assert [len(one[0]) == len(one[1]) for one in pieces] == [True] * len(pieces)
    whole = torch.cat([one[0] for one in pieces]).tolist() if pieces else []
    assert whole == list(range(sum(lengths)))
    ends = set(np.cumsum([len(one[0]) for one in pieces]).tolist())
    end = first
    while end <= sum(lengths):
        assert end in ends
        end *= 2
    assert ends <= set(starts.tolist()) | {first * 2**power for power in range(12)}


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.data())
def test_samples_between_two_numbers_are_taken_from_all_batches(lengths, data):
    starts = np.cumsum([0, *lengths])
    batches = [torch.arange(a, b) for a, b in pairwise(starts)]
    start = data.draw(st.integers(0, sum(lengths)))
    stop = data.draw(st.integers(start, sum(lengths) + 5))
    parts = list(between(batches, start, stop))
    assert all(map(len, parts))
    whole = torch.cat(parts).tolist() if parts else []
    assert whole == list(range(start, min(stop, sum(lengths))))


def make(samples=600, micro_batch=100, room=1 << 30):
    model, inputs, targets = regression(samples)
    directions = random_directions(model)
    splits = {"train": TensorDataset(inputs, targets), "test": TensorDataset(inputs, targets)}
    settings = Settings(micro_batch)
    return evaluator(model, splits, mean_squared_error, directions, settings, room=room)


def losses_at(made, point):
    with torch.no_grad():
        made.write(point)
        return np.concatenate(
            [
                mean_squared_error(made.model, batch)["loss"].numpy()
                for batch in made.splits["train"]
            ]
        )


@pytest.mark.parametrize("room", [1 << 30, 0])
def test_a_point_takes_the_first_samples_that_meet_the_target(room):
    made = make(room=room)
    rule = StopRule({LOSS: Target(0.1, relative=False)}, 16)
    result = made.evaluate(Tile(tuple(range(len(POINTS))), POINTS, rule))
    taken = result.samples["train"]
    assert (result.samples["test"] == 600).all()
    assert taken.dtype == np.int32
    assert len(set(taken.tolist())) > 1
    for number, point in enumerate(POINTS):
        losses = losses_at(made, point)
        target, enough = rule.targets[LOSS], 16
        while not target.reached(losses[:enough], 600):
            looks = [16 * 2**power for power in range(7) if 16 * 2**power > enough]
            expected = [n for n in looks if target.reached(losses[:enough], 600, n)]
            enough = min(600, expected[0])
        assert taken[number] == enough
        part = losses[:enough]
        assert result.values[LOSS][number] == pytest.approx(part.mean(), rel=1e-12)
        error = part.std(ddof=1) / np.sqrt(enough)
        assert result.stderr[LOSS][number] == pytest.approx(error, rel=1e-9)
        whole = result.values["test", "loss"][number]
        assert whole == pytest.approx(losses.mean(), rel=1e-12)


TARGETS = {LOSS: Target(0.1, relative=False), ("test", "loss"): Target(0.3, relative=False)}


def watched(made):
    """Record the lengths of the batches that an evaluator's objective gets."""
    lengths, objective = [], made.objective.objective

    def record(model, batch):
        lengths.append(len(batch[0]))
        return objective(model, batch)

    made.objective = Passes(record)
    return lengths


def test_parts_of_splits_share_forward_passes_and_keep_their_values():
    together, apart = make(), make(room=0)
    lengths = watched(together)
    tile = Tile(tuple(range(len(POINTS))), POINTS, StopRule(TARGETS, 16))
    found, expected = together.evaluate(tile), apart.evaluate(tile)
    for split in ("train", "test"):
        assert (found.samples[split] == expected.samples[split]).all()
        for group in ("values", "stderr"):
            one, other = (getattr(each, group)[split, "loss"] for each in (found, expected))
            np.testing.assert_allclose(one, other, rtol=1e-9)
    assert (found.samples["train"] > found.samples["test"]).any()
    assert lengths[0] == 32
    assert max(lengths) <= 100
    assert sum(lengths) == sum(numbers.sum() for numbers in found.samples.values())


def test_splits_with_other_shapes_have_passes_of_their_own():
    model, inputs, targets = regression(40)
    padded = inputs.new_zeros(40, inputs.shape[1], 3)
    splits = {"train": TensorDataset(inputs, targets), "test": TensorDataset(padded, targets)}

    def objective(model, batch):
        values, labels = batch
        values = values.sum(-1) if values.dim() == 3 else values
        return mean_squared_error(model, (values, labels))

    made = evaluator(model, splits, objective, random_directions(model), Settings(64))
    lengths = watched(made)
    made.evaluate(Tile((0,), POINTS[2:3], StopRule(TARGETS, 8)))
    assert lengths[0] == 8


def test_bits_do_not_depend_on_tiles():
    made = make()
    rule = StopRule(TARGETS, 16)
    together = made.evaluate(Tile(tuple(range(len(POINTS))), POINTS, rule))
    for number, point in enumerate(POINTS):
        alone = made.evaluate(Tile((number,), (point,), rule))
        assert alone.values[LOSS].tobytes() == together.values[LOSS][number : number + 1].tobytes()
        assert alone.samples["train"][0] == together.samples["train"][number]


def test_a_rule_without_targets_takes_all_samples_in_whole_batches():
    made = make()
    plain = made.evaluate(Tile((0,), POINTS[1:2]))
    whole = made.evaluate(Tile((0,), POINTS[1:2], StopRule({}, 16)))
    assert plain.samples == {}
    assert whole.samples["train"].tolist() == [600]
    assert whole.values[LOSS].tobytes() == plain.values[LOSS].tobytes()


def test_pairs_stop_by_the_error_of_their_ratio():
    generator = np.random.default_rng(0)
    weights = torch.tensor(generator.integers(0, 4, 64).astype(float))
    sums = torch.tensor(generator.normal(size=64)) * weights
    ratio = (sums.sum() / weights.sum()).item()
    residuals = ((sums - ratio * weights) / weights.mean()).numpy()
    error = residuals.std(ddof=1) / 8 * np.sqrt(1 - 64 / 1000)
    skewness = (residuals**3).mean() / (residuals**2).mean() ** 1.5
    error *= 1 + 2 * abs(skewness) / 8
    for factor, stops in ((1.001, True), (0.999, False)):
        rule = StopRule({LOSS: Target(error * factor, relative=False)}, 64)
        test = SplitTest("train", rule, 1000)
        test.add({"loss": (sums[:40], weights[:40])})
        assert not test.passed()
        test.add({"loss": (sums[40:], weights[40:])})
        assert test.passed() is stops


def test_samples_without_weight_do_not_stop_a_point():
    test = SplitTest("train", StopRule({LOSS: Target(1.0, relative=False)}, 4), 100)
    nothing = torch.zeros(4, dtype=torch.float64)
    test.add({"loss": (nothing, nothing)})
    assert not test.passed()
    test.add({"loss": (nothing + 1, nothing + 1)})
    assert test.passed()


def test_values_that_the_objective_overwrites_are_kept():
    values = torch.tensor([1.0, 1.0])
    test = SplitTest("train", StopRule({LOSS: Target(0.1, relative=False)}, 4), 100)
    test.add({"loss": values})
    assert not test.passed()
    values += 8
    test.add({"loss": values})
    assert not test.passed()


def test_a_missing_quantity_is_reported():
    test = SplitTest("train", StopRule({("train", "bleu"): Target(0.1, relative=False)}, 4), 100)
    with pytest.raises(UsageError, match=r"^sampling: the objective has no 'bleu' on split"):
        test.add({"loss": torch.zeros(4)})


@pytest.mark.parametrize("room", [1 << 30, 0])
def test_a_point_that_goes_on_to_the_end_notes_where_it_could_have_stopped(room):
    made = make(room=room)
    rule = StopRule({LOSS: Target(0.1, relative=False)}, 16)
    tile = Tile(tuple(range(len(POINTS))), POINTS, rule)
    stopped = made.evaluate(tile)
    whole = made.evaluate(replace(tile, rule=None))
    found = made.evaluate(replace(tile, rule=replace(rule, to_end=True)))
    assert (found.samples["train"] == 600).all()
    assert [*found.early] == [LOSS]
    np.testing.assert_allclose(found.values[LOSS], whole.values[LOSS], rtol=1e-12)
    early = stopped.samples["train"] < 600
    assert 0 < early.sum() < len(POINTS)
    assert (np.isnan(found.early[LOSS]) == ~early).all()
    np.testing.assert_allclose(found.early[LOSS][early], stopped.values[LOSS][early], rtol=1e-12)
    assert not stopped.early


def test_of_several_splits_one_may_stop_early():
    made = make()
    targets = {LOSS: Target(1e-9, relative=False), ("test", "loss"): Target(1.0, relative=False)}
    tile = Tile((0,), POINTS[2:3], StopRule(targets, 16, to_end=True))
    found = made.evaluate(tile)
    assert found.early[LOSS] == pytest.approx(found.values[LOSS], rel=1e-12)
    assert found.early["test", "loss"] != found.values["test", "loss"]


def test_weighted_values_are_cut_with_their_weights():
    sums, weights = torch.tensor([2.0, 4.0, 9.0, 1.0]), torch.tensor([1.0, 2.0, 3.0, 1.0])
    rule = StopRule({LOSS: Target(10.0, relative=False)}, 2, to_end=True)
    test = SplitTest("train", rule, 4)
    assert test.next_look == 4
    for start in (0, 1):
        test.add({"loss": (sums[2 * start :][:2], weights[2 * start :][:2])})
    assert test.passed()
    assert test.early() == (2, {"loss": pytest.approx(2.0)})
