"""The choice between a reduced precision and fp32, by which is faster on this machine.

A processor without instructions for bfloat16 (AVX512_BF16, AMX) or float16 emulates them, several
times slower than float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.benchmark import Benchmark
from landscape_cli.evaluation.forward.equivalence import (
    Comparison,
    compare_precisions,
    precision_sample,
)

AGREEMENT = 0.005
"""Largest difference from fp32 that does not show in a picture, as a fraction of the range."""

ROUNDS, SECONDS = 3, 2.0
"""Rounds in which both precisions are timed, and seconds after which no further round starts."""


@dataclass(frozen=True)
class PrecisionTiming:
    """The times of a reduced precision and of fp32, and which of them is used.

    Args:
        asked: the precision of the configuration.
        used: the precision of the run: ``asked`` or fp32.
        seconds: fastest pass over the first samples in each of the two, by precision.
        compared: values at some points in the two; None if they were not looked at.
    """

    asked: str
    used: str
    seconds: Mapping[str, float]
    compared: Comparison | None = None

    @property
    def slower(self) -> bool:
        """True if the precision is slower than fp32."""
        return self.seconds[self.asked] > self.seconds["fp32"]

    def as_mapping(self) -> dict[str, Any]:
        """Return the entries as plain values, with the largest ``difference`` of those compared."""
        found = {"asked": self.asked, "used": self.used, "seconds": dict(self.seconds)}
        if self.compared is None:
            return found
        return found | {"difference": self.compared.largest_of_range()}

    def warning(self) -> str:
        """Say what is slow, and what is done about it."""
        times = {name: f"{seconds:.3g} s" for name, seconds in self.seconds.items()}
        fact = (
            f"precision: {self.asked} takes {times[self.asked]} for a batch on this machine, fp32 "
            f"{times['fp32']}"
        )
        if self.used == self.asked:
            return f"{fact}; it is used all the same"
        return f"{fact}, so fp32 is used (--even-if-slower insists on {self.asked})"


def time_precision(
    evaluator: Evaluator, insist: bool, points: Sequence[Sequence[float]] = ()
) -> PrecisionTiming | None:
    """Time an evaluator's reduced precision against fp32 on the run's first samples.

    Args:
        evaluator: an evaluator with its data loaded; its settings are restored at the end.
        insist: keep the precision even if it is slower.
        points: coordinates at which it must also give the values of fp32; none to trust it.

    Returns:
        The times and the choice; None if the precision is not a reduced one.
    """
    start = evaluator.settings
    if start.autocast_dtype is None:
        return None
    benchmark = Benchmark(evaluator, precision_sample(evaluator, 1), divisible=False)
    sides = (start, replace(start, precision="fp32"))
    fastest: dict[str, float] = {}
    spent = 0.0
    for number in range(ROUNDS + 1):
        for settings in sides:
            seconds = benchmark.time_settings(settings)
            spent += seconds
            if number:  # the first pass is slow
                fastest[settings.precision] = min(seconds, fastest.get(settings.precision, seconds))
        if number and spent > SECONDS:
            break
    evaluator.set_forward(start)
    timing = PrecisionTiming(start.precision, start.precision, fastest)
    if timing.slower and not insist:
        return replace(timing, used="fp32")
    if points:
        compared = compare_precisions(evaluator, points)
        used = timing.asked if compared.largest_of_range() <= AGREEMENT else "fp32"
        timing = replace(timing, used=used, compared=compared)
    return timing
