"""The choice between a reduced precision and fp32, by which is faster on this machine.

A processor without instructions for bfloat16 (AVX512_BF16, AMX) or float16 emulates them, several
times slower than float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.benchmark import Benchmark
from landscape_cli.evaluation.forward.equivalence import take_batches

ROUNDS, SECONDS = 3, 2.0
"""Rounds in which both precisions are timed, and seconds after which no further round starts."""


@dataclass(frozen=True)
class PrecisionTiming:
    """The times of a reduced precision and of fp32, and which of them is used.

    Args:
        asked: the precision of the configuration.
        used: the precision of the run: ``asked`` or fp32.
        seconds: fastest pass over the first batch in each of the two, by precision.
    """

    asked: str
    used: str
    seconds: Mapping[str, float]

    @property
    def slower(self) -> bool:
        """True if the precision is slower than fp32."""
        return self.seconds[self.asked] > self.seconds["fp32"]

    def as_mapping(self) -> dict[str, Any]:
        """Return the entries as plain values."""
        return asdict(self)

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


def time_precision(evaluator: Evaluator, insist: bool) -> PrecisionTiming | None:
    """Time an evaluator's reduced precision against fp32 on the run's first batch.

    Args:
        evaluator: an evaluator with its data loaded; its settings are restored at the end.
        insist: keep the precision even if it is slower.

    Returns:
        The times and the choice; None if the precision is not a reduced one.
    """
    start = evaluator.settings
    if start.autocast_dtype is None:
        return None
    benchmark = Benchmark(evaluator, take_batches(evaluator, 1), divisible=False)
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
    return timing if insist or not timing.slower else replace(timing, used="fp32")
