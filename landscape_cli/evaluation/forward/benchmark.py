"""Two ways to do the forward pass, timed by turns: which is clearly the faster?"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

from landscape_cli.evaluation.data.batches import arranged
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.equivalence import count_samples
from landscape_cli.evaluation.forward.settings import Settings

GAIN = 0.1
"""Other settings are taken if they save this part of the time; less may be noise."""

HEAT, CONFIRMATION = 5, 3
"""Turns in which either side does the sample once, and turns that must confirm the outcome."""

EARLY = 2
"""After so many turns what has not saved half of ``GAIN`` is given up."""


@dataclass(frozen=True)
class Outcome:
    """How a race ended.

    Args:
        seconds: for one sample of the data, the fastest pass with the new settings.
        against: the same with the old ones, in the same benchmark.
        faster: whether the new settings are clearly faster.
    """

    seconds: float
    against: float
    faster: bool


class Benchmark:
    """Times settings on one sample of the data, at the centre.

    A pass can only be slowed down by what else a machine does, so each side's fastest pass counts;
    and both must be slowed down alike, so the sides take turns, and the median of their ratios has
    to say the same.

    Args:
        evaluator: with its data loaded; it is left with the settings that were timed last.
        sample: batches of the first split.
        divisible: whether the micro-batch of settings applies to the sample.
        end: the ``time.perf_counter()`` after which nothing is begun; None for no end.
    """

    def __init__(
        self, evaluator: Evaluator, sample: list[Any], divisible: bool, end: float | None = None
    ) -> None:
        self.evaluator = evaluator
        self.sample = sample
        self.divisible = divisible
        self.end = end
        self.samples = count_samples(sample)
        self._arranged: dict[tuple[int | None, bool], list[Any]] = {}

    def compare_settings(
        self, settings: Settings, against: Settings, turns: int = HEAT
    ) -> Outcome | None:
        """Let settings race against others.

        Args:
            settings: what to try.
            against: what it has to beat.
            turns: how often each side does the sample, after a first time that is slow and does
                not count.

        Returns:
            How it ended; None if the time ran out.
        """
        new: list[float] = []
        old: list[float] = []
        for turn in range(turns + 1):
            if self.end is not None and time.perf_counter() > self.end:
                return None
            sides = [(against, old), (settings, new)]
            for one, times in sides if turn % 2 else reversed(sides):
                seconds = self.time_settings(one)
                if turn:
                    times.append(seconds)
            if turn == EARLY and min(new) > (1 - GAIN / 2) * min(old):
                break
        ratio = statistics.median(a / b for a, b in zip(new, old, strict=True))
        faster = max(ratio, min(new) / min(old)) <= 1 - GAIN
        return Outcome(min(new) / self.samples, min(old) / self.samples, faster)

    def time_settings(self, settings: Settings) -> float:
        """Seconds for one pass over the sample."""
        size = settings.micro_batch if self.divisible else None
        key = (size, settings.channels_last)
        if key not in self._arranged:
            self._arranged[key] = arranged(self.sample, size, settings.channels_last)
        self.evaluator.set_forward(settings)
        began = time.perf_counter()
        # Reading the means waits for the device.
        self.evaluator.values(self.evaluator.slice.origin, self._arranged[key]).means()
        return time.perf_counter() - began
