"""Benchmark that times two settings of the forward pass against each other."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import Any

from landscape_cli.evaluation.data.batches import rearrange
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.equivalence import count_samples
from landscape_cli.evaluation.forward.settings import Settings

GAIN = 0.1
"""Fraction of the time that new settings must save; a smaller gain may be noise."""

ROUNDS, CONFIRMATION_ROUNDS = 5, 3
"""Rounds of a first comparison and of its confirmation; each round times both settings once."""

EARLY = 2
"""Abandon new settings that have saved less than half of ``GAIN`` after this many rounds."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of comparing new settings with old ones.

    Args:
        seconds: the new settings' fastest pass, in seconds per sample.
        against: the old settings' fastest pass, in seconds per sample.
        faster: whether the new settings are clearly faster.
    """

    seconds: float
    against: float
    faster: bool


class Benchmark:
    """Times settings on some batches of the data, at the origin of the slice.

    Other load on the machine can only slow a pass down, so each side's fastest pass counts. It
    should slow both sides equally, so they alternate, and the median of the rounds' ratios has to
    agree.

    Args:
        evaluator: an evaluator with its data loaded; it keeps the settings that were timed last.
        sample: batches of the first split.
        divisible: whether the settings' micro-batch applies to the sample.
        end: the ``time.perf_counter()`` after which no round starts; None for no end.
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
        self, settings: Settings, against: Settings, rounds: int = ROUNDS
    ) -> Outcome | None:
        """Time new settings against old ones.

        Args:
            settings: the new settings.
            against: the old settings.
            rounds: the number of rounds, after a first, slow one that does not count.

        Returns:
            The outcome; None if the time ran out.
        """
        new: list[float] = []
        old: list[float] = []
        for number in range(rounds + 1):
            if self.end is not None and time.perf_counter() > self.end:
                return None
            sides = [(against, old), (settings, new)]
            for side, times in sides if number % 2 else reversed(sides):
                seconds = self.time_settings(side)
                if number:
                    times.append(seconds)
            if number == EARLY and min(new) > (1 - GAIN / 2) * min(old):
                break
        ratio = statistics.median(a / b for a, b in zip(new, old, strict=True))
        faster = max(ratio, min(new) / min(old)) <= 1 - GAIN
        return Outcome(min(new) / self.samples, min(old) / self.samples, faster)

    def time_settings(self, settings: Settings) -> float:
        """Time one pass over the sample, in seconds."""
        size = settings.micro_batch if self.divisible else None
        key = (size, settings.channels_last)
        if key not in self._arranged:
            self._arranged[key] = rearrange(self.sample, size, settings.channels_last)
        self.evaluator.set_forward(settings)
        start = time.perf_counter()
        # Reading the means synchronizes the device.
        self.evaluator.values(self.evaluator.slice.origin, self._arranged[key]).means()
        return time.perf_counter() - start
