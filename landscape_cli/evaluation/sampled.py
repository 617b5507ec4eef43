"""Points that are evaluated on as many samples as they need.

A split's samples come in one fixed, mixed order. A point is evaluated on the first n of them, then
on as many more, and so on, until the rule's targets are reached: the number depends on the point's
own values alone, so that tiles, ranks and interruptions change nothing. All points share their
first samples, which keeps differences between neighbours sharp.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.data.batches import batch_length
from landscape_cli.evaluation.data.pieces import cut
from landscape_cli.evaluation.objective_values import is_pair
from landscape_cli.records.stop_rule import StopRule, Target

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


class SplitTest:
    """Decides after how many samples of a split one point may stop.

    Args:
        split: the split's name, for messages.
        rule: the targets, and the samples after which they are looked at first.
        total: the number of the split's samples.

    Attributes:
        samples: the number of samples added.
        next_look: the number of samples at which the targets are looked at next.
    """

    def __init__(self, split: str, rule: StopRule, total: int) -> None:
        self.split = split
        self.samples = 0
        self._targets = rule.of_split(split)
        self.next_look = rule.first
        self._total = total
        self._values: dict[str, list[Any]] = {name: [] for name in self._targets}

    def reached(self, values: Mapping[str, Any]) -> bool:
        """Add the objective's values for some samples, and tell whether the point may stop.

        Raises:
            UsageError: if the objective lacks a quantity that decides.
        """
        for name, parts in self._values.items():
            if name not in values:
                raise UsageError(
                    f"sampling: the objective has no {name!r} on split {self.split!r} that could "
                    "decide; name others in adaptive.quantities"
                )
            parts.append(_copied(values[name]))
        first = next(iter(values.values()))
        self.samples += len(first[0] if is_pair(first) else first)
        if self.samples < self.next_look:
            return False
        while self.next_look <= self.samples:
            self.next_look *= 2
        if not self._targets:
            return False
        return all(self._known(name, target) for name, target in self._targets.items())

    def _known(self, name: str, target: Target) -> bool:
        values = _per_sample(self._values[name])
        return values is not None and target.reached(values, self._total)


def evaluate_samples(evaluator: Any, tile: Any, sums: Mapping[str, Any]) -> dict[str, Any]:
    """Add each point's values on as many samples as the tile's rule asks for.

    Args:
        evaluator: the ``Evaluator``.
        tile: the points, with a rule.
        sums: an ``Accumulator`` for each split.

    Returns:
        The numbers of samples evaluated by split, int32 of shape (points,).
    """
    numbers = {name: np.zeros(len(tile.indices), np.int32) for name in evaluator.splits}
    for point, coordinates in enumerate(tile.coordinates):
        for number, (name, split) in enumerate(evaluator.splits.items()):
            if number == 0 or evaluator.state.drifted():
                evaluator.write(coordinates)
            test = SplitTest(name, tile.rule, split.samples)
            with contextlib.closing(_batches(split, tile.rule)) as batches:
                for batch, values in _values_until(evaluator, batches, test):
                    sums[name].add(point, values, batch)
            numbers[name][point] = test.samples
    return numbers


def _values_until(evaluator: Any, batches: Iterable[Any], test: SplitTest) -> Iterator[Any]:
    """Yield batches with the objective's values until the point may stop.

    Threads that evaluate a batch each get all batches up to where it may, so that they evaluate
    none in vain.
    """
    threads = evaluator.batches_at_once
    for stage in _stages(batches, test, threads * STAGE if threads > 1 else 1):
        for batch, values in evaluator.each(stage):
            yield batch, values
            if test.reached(values):
                return


def _stages(batches: Iterable[Any], test: SplitTest, most: int) -> Iterator[list[Any]]:
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


def _batches(split: Any, rule: StopRule) -> Generator[Any, None, None]:
    """Yield a split's batches, cut where a point may stop if it may."""
    may_stop = bool(rule.of_split(split.name))
    if split.cached:
        yield from split.pieces(rule.first) if may_stop else split
        return
    with contextlib.closing(split.ahead()) as batches:
        yield from cut(batches, rule.first) if may_stop else batches


def _copied(values: Any) -> Any:
    """Copy a tensor or a pair of tensors, which an objective may overwrite."""
    if is_pair(values):
        return tuple(one.detach().clone() for one in values)
    return values.detach().clone()


def _per_sample(parts: Sequence[Any]) -> NDArray[np.float64] | None:
    """Return values for each sample whose mean is the quantity; None without any weight.

    For pairs (s_i, w_i) with ratio R of their sums, these are R + (s_i - R w_i) / mean(w): their
    standard error is that of the ratio, linearized (Cochran 1977, section 2.11).
    """
    if not is_pair(parts[0]):
        return _floats(parts)
    sums, weights = (_floats([part[number] for part in parts]) for number in (0, 1))
    if not weights.any():
        return None
    with np.errstate(all="ignore"):
        ratio = sums.sum() / weights.sum()
        values: NDArray[np.float64] = ratio + (sums - ratio * weights) / weights.mean()
    return values


def _floats(tensors: Sequence[Tensor]) -> NDArray[np.float64]:
    return np.concatenate([one.detach().cpu().double().numpy() for one in tensors])
