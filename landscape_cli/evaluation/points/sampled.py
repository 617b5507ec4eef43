"""Points that are evaluated on as many samples as they need.

A split's samples come in one fixed, mixed order. A point is evaluated on the first n of them, then
on the first 2n, 4n, ..., whichever is expected to suffice, until the rule's targets are reached:
the number depends on the point's own values alone, so that tiles, ranks and interruptions change
nothing. All points share their first samples, which keeps differences between neighbours sharp.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.evaluation.accumulator import Accumulator
from landscape_cli.evaluation.data.batches import batch_length, divisible
from landscape_cli.evaluation.data.pieces import between, cut, joined, shape_of
from landscape_cli.evaluation.points.split_test import SplitTest, values_between
from landscape_cli.records.stop_rule import StopRule
from landscape_cli.records.tiles import Quantity, Tile

STAGE = 16
"""Upper bound on the batches per thread that are read before the first of them is evaluated."""

FIRST, FIRST_ON_ACCELERATORS = 64, 512
"""Samples after which a point may stop first; accelerators compute no faster with fewer."""


def first_samples(evaluator: Any) -> int:
    """Return after how many samples a point may stop first.

    It is a whole micro-batch where the model is compiled for its shape.
    """
    micro_batch: int = evaluator.settings.micro_batch
    if evaluator.settings.compile:
        return micro_batch
    return FIRST if evaluator.device.type == "cpu" else min(micro_batch, FIRST_ON_ACCELERATORS)


Early = dict[Quantity, NDArray[np.float64]]
"""Means over the samples after which points could have stopped, each of shape (points,)."""


def evaluate_samples(
    evaluator: Any, tile: Tile
) -> tuple[dict[str, Accumulator], dict[str, NDArray[np.int32]], Early]:
    """Evaluate each point on as many samples as the tile's rule asks for.

    Args:
        evaluator: the ``Evaluator``.
        tile: the points, with a rule.

    Returns:
        The sums of each split; the numbers of samples evaluated, of shape (points,); and of points
        that go on to all samples, the means after which they could have stopped, NaN if none of
        their splits could.
    """
    rule = tile.rule
    assert rule is not None
    points = len(tile.indices)
    sums = {name: Accumulator(name, points) for name in evaluator.splits}
    numbers = {name: np.zeros(points, np.int32) for name in evaluator.splits}
    early: Early = {key: np.full(points, np.nan) for key in (rule.targets if rule.to_end else ())}
    at_once = _take_part_together(evaluator)
    lock = threading.Lock()  # sums of any points may be made at once

    def evaluate_point(evaluator: Any, point: int) -> None:
        tests = {
            name: SplitTest(name, rule, split.samples) for name, split in evaluator.splits.items()
        }
        groups = (
            [[*tests]] if at_once and not evaluator.state.drifted() else [[one] for one in tests]
        )
        for number, names in enumerate(groups):
            if number == 0 or evaluator.state.drifted():
                evaluator.write(tile.coordinates[point])
            some = [tests[name] for name in names]
            evaluate = _together if len(some) > 1 else _alone
            for test, batch, values in evaluate(evaluator, some, rule):
                with lock:
                    sums[test.split].add(point, values, batch)
        for name, test in tests.items():
            numbers[name][point] = test.samples
        if rule.to_end:
            _note_early(early, point, [test for name, test in tests.items() if rule.of_split(name)])

    evaluator.each_point(tile, evaluate_point)
    return sums, numbers, early


def _note_early(early: Early, point: int, tests: Sequence[SplitTest]) -> None:
    """Note the means after which a point could have stopped, if it could in any split."""
    found = [test.early() for test in tests]
    if any(number < test.samples for (number, _), test in zip(found, tests, strict=True)):
        for test, (_, means) in zip(tests, found, strict=True):
            for name, mean in means.items():
                early[test.split, name][point] = mean


Evaluated = Iterator[tuple[SplitTest, Any, Any]]
"""Batches and the objective's values for them, each with the test of their split."""


def _alone(evaluator: Any, tests: Sequence[SplitTest], rule: StopRule) -> Evaluated:
    """Evaluate the samples of one split until its test is passed."""
    (test,) = tests
    split = evaluator.splits[test.split]
    with contextlib.closing(_stages(evaluator, split, rule, test)) as stages:
        for stage in stages:
            for batch, values in evaluator.each(stage):
                yield test, batch, values
                test.add(values)
            if test.passed():
                return


def _together(evaluator: Any, tests: Sequence[SplitTest], rule: StopRule) -> Evaluated:
    """Evaluate the samples of several splits until all tests are passed.

    Small parts of different splits share forward passes, of which each has a cost of its own.
    """
    running = list(tests)
    while running:
        pieces = [
            (test, batch)
            for test in running
            for batch in between(evaluator.splits[test.split], test.samples, test.next_look)
        ]
        groups = list(_grouped(pieces, evaluator.settings.micro_batch))
        whole = [joined([batch for _, batch in group]) for group in groups]
        for group, (_, values) in zip(groups, evaluator.each(whole), strict=True):
            start = 0
            for test, batch in group:
                stop = start + (batch_length(batch) or 0)
                part = values if len(group) == 1 else _entries(values, start, stop)
                yield test, batch, part
                test.add(part)
                start = stop
        running = [test for test in running if not test.passed()]


def _grouped(
    pieces: Sequence[tuple[SplitTest, Any]], most: int
) -> Iterator[list[tuple[SplitTest, Any]]]:
    """Yield lists of consecutive pieces that have no more samples than a micro-batch together."""
    group: list[tuple[SplitTest, Any]] = []
    samples = 0
    for test, batch in pieces:
        length = batch_length(batch) or 0
        if group and samples + length > most:
            yield group
            group, samples = [], 0
        group.append((test, batch))
        samples += length
    if group:
        yield group


def _entries(values: Any, start: int, stop: int) -> Any:
    """Return the values of some samples of a batch; any that are not per sample as they are."""
    if not isinstance(values, Mapping):
        return values
    return {name: values_between(one, start, stop) for name, one in values.items()}


def _take_part_together(evaluator: Any) -> bool:
    """Tell whether parts of all splits can share a forward pass.

    They can if all are kept as batches of samples with the same shapes. A model that is compiled
    for one shape has passes of that shape alone.
    """
    splits = evaluator.splits.values()
    if evaluator.settings.compile or not all(split.cached for split in splits):
        return False
    batches = [batch for split in splits for batch in split]
    return divisible(batches) and len(set(map(shape_of, batches))) == 1


def _stages(
    evaluator: Any, split: Any, rule: StopRule, test: SplitTest
) -> Generator[Iterable[Any], None, None]:
    """Yield lists of batches, which end where a point may stop."""
    if not rule.of_split(split.name):
        with contextlib.closing(split.ahead()) as batches:
            yield batches
    elif split.cached and batch_length(next(iter(split))) is not None:
        while test.samples < split.samples:
            yield between(split, test.samples, test.next_look)
    else:
        threads = evaluator.batches_at_once
        with contextlib.closing(split.ahead()) as batches:
            yield from _read(cut(batches, rule.first), test, threads * STAGE if threads > 1 else 1)


def _read(batches: Iterable[Any], test: SplitTest, most: int) -> Iterator[list[Any]]:
    """Yield lists of at most ``most`` batches, which end where a point may stop."""
    stage: list[Any] = []
    ahead = 0
    for batch in batches:
        stage.append(batch)
        ahead += batch_length(batch) or 1
        if test.samples + ahead >= test.next_look or len(stage) == most:
            yield stage
            stage, ahead = [], 0
    if stage:
        yield stage
