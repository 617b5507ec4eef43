"""The test whether a point has seen enough samples of a split."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.objective_values import is_pair
from landscape_cli.records.stop_rule import StopRule


class SplitTest:
    """Decides after how many samples of a split one point may stop.

    Args:
        split: the split's name, for messages.
        rule: the targets, and the samples after which they are looked at first.
        total: the number of the split's samples.

    Attributes:
        samples: the number of samples added.
        next_look: the number of samples after which the targets are looked at next: the first of
            ``first``, 2 * first, 4 * first, ... at which they are expected to be reached; all of
            them without targets, or if the rule says to go on to the end.
    """

    def __init__(self, split: str, rule: StopRule, total: int) -> None:
        self.split = split
        self.samples = 0
        self._targets = rule.of_split(split)
        self.next_look = rule.first if self._targets and not rule.to_end else total
        self._rule = rule
        self._total = total
        self._values: dict[str, list[Any]] = {name: [] for name in self._targets}

    def add(self, values: Mapping[str, Any]) -> None:
        """Add the objective's values for some samples.

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

    def passed(self) -> bool:
        """Tell whether the point may stop; if not, set after how many samples to look next."""
        if self.samples >= self._total:
            return True
        if self.samples < self.next_look:
            return False
        found = self._so_far()
        known = {name: one for name, one in found.items() if one is not None}
        if len(known) == len(found) > 0 and self._suffices(self.samples, known):
            return True
        while self.next_look <= self.samples or not self._suffices(self.next_look, known):
            self.next_look *= 2
        return False

    def early(self) -> tuple[int, dict[str, float]]:
        """Return where a point that went on to the end could have stopped.

        Returns:
            The number of samples, and the means of the quantities that decide over these.
        """
        wholes = {name: _joined(parts) for name, parts in self._values.items()}
        test = SplitTest(self.split, replace(self._rule, to_end=False), self._total)
        while not test.passed():
            stop = min(test.next_look, self._total)
            test.add(
                {name: values_between(one, test.samples, stop) for name, one in wholes.items()}
            )
        return test.samples, {
            name: math.nan if one is None else float(one.mean())
            for name, one in test._so_far().items()
        }

    def _so_far(self) -> dict[str, NDArray[np.float64] | None]:
        """Return the values so far of each quantity that decides; None without any weight."""
        return {name: _per_sample(parts) for name, parts in self._values.items()}

    def _suffices(self, number: int, known: Mapping[str, NDArray[np.float64]]) -> bool:
        """Tell whether a number of samples reaches the targets, by the values known so far."""
        if number >= self._total:
            return True
        targets = ((self._targets[name], values) for name, values in known.items())
        return all(target.reached(values, self._total, number) for target, values in targets)


def _copied(values: Any) -> Any:
    """Copy a tensor or a pair of tensors, which an objective may overwrite."""
    if is_pair(values):
        return tuple(one.detach().clone() for one in values)
    return values.detach().clone()


def _joined(parts: Sequence[Any]) -> Any:
    """Join tensors, or pairs of tensors."""
    if is_pair(parts[0]):
        return tuple(torch.cat([part[number] for part in parts]) for number in (0, 1))
    return torch.cat(list(parts))


def values_between(values: Any, start: int, stop: int) -> Any:
    """Return a quantity's values, or sums and weights, of the samples from start to below stop."""
    if is_pair(values):
        return tuple(one[start:stop] for one in values)
    return values[start:stop]


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
