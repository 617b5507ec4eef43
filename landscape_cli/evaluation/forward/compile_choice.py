"""Whether a run's model is compiled: tried if the run is long, kept if that is right and faster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landscape_cli.evaluation.data.batches import tensors_in
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.benchmark import CONFIRMATION, Benchmark
from landscape_cli.evaluation.forward.equivalence import TOLERANCE, compute_means, take_batches
from landscape_cli.evaluation.forward.settings import PRECISIONS, Settings

REPAY = 50
"""A rank's share of the run must be so many times what compiling may take."""

SECONDS, SECONDS_FOR_LAYER = 15.0, 0.15
"""What compiling may take, for each shape of batch: so long, and so much for each layer."""

SHOWN = 200
"""Characters of a compiler's message that are kept."""

SAMPLES = 256
"""Compiled and plain forward passes are timed on at least so many samples."""


def repays_compilation(evaluator: Evaluator, seconds: float) -> bool:
    """Whether a rank's run is long enough that compiling costs little of it.

    Args:
        evaluator: with its data loaded.
        seconds: that the run is expected to take on this rank, uncompiled.
    """
    firsts = (next(iter(split)) for split in evaluator.splits.values())
    shapes = {tuple(tensor.shape for tensor in tensors_in(batch)) for batch in firsts}
    layers = sum(1 for module in evaluator.model.modules() if not list(module.children()))
    return seconds >= REPAY * len(shapes) * (SECONDS + SECONDS_FOR_LAYER * layers)


def try_compilation(
    evaluator: Evaluator, corner: Sequence[float], insist: bool
) -> tuple[bool, dict[str, Any]]:
    """Compile the model, and find out whether that is to be kept.

    Args:
        evaluator: with its data loaded and its settings applied; they are the same afterwards.
        corner: the coordinates of a corner of the grid, where values are compared besides the
            centre.
        insist: keep it even if it is no faster.

    Returns:
        Whether to keep it, and what a file should say: the ``outcome``, ``seconds`` spent, the
        ``error`` that compiling ended with if it did, and of a race seconds for a sample.
    """
    began = time.perf_counter()
    start = evaluator.settings
    compiled = replace(start, compile=True)
    facts: dict[str, Any] = {}
    failure = compile_model(evaluator, compiled)
    if failure is not None:
        facts |= {"outcome": "failed", "error": failure}
    elif not _keeps_values(evaluator, compiled, corner):
        facts["outcome"] = "other values"
    elif insist:
        facts["outcome"] = "kept"
    else:
        facts |= _compare_with_plain(evaluator, compiled, start)
    evaluator.set_forward(start)
    facts["seconds"] = round(time.perf_counter() - began, 3)
    return facts["outcome"] == "kept", facts


def compile_model(evaluator: Evaluator, settings: Settings) -> str | None:
    """Switch to compiled settings, and compile; say in one line what went wrong, if something did.

    A compiler is missing, an operation is not supported, or the compiler has a mistake: the kinds
    of failure have no end, and each leaves the model as usable as it was.
    """
    try:
        evaluator.set_forward(settings)
        evaluator.compile()
    except Exception as error:
        evaluator.set_forward(replace(settings, compile=False))
        return " ".join(f"{type(error).__name__}: {error}".split())[:SHOWN]
    return None


def _compare_with_plain(
    evaluator: Evaluator, compiled: Settings, plain: Settings
) -> dict[str, Any]:
    benchmark = Benchmark(evaluator, take_batches(evaluator, SAMPLES), divisible=False)
    outcome = benchmark.compare_settings(compiled, plain)
    assert outcome is not None
    kept = outcome.faster
    if kept:
        again = benchmark.compare_settings(compiled, plain, CONFIRMATION)
        kept = again is not None and again.faster
    return {
        "outcome": "kept" if kept else "not clearly faster",
        "seconds_per_sample": outcome.seconds,
        "against": outcome.against,
    }


def _keeps_values(evaluator: Evaluator, compiled: Settings, corner: Sequence[float]) -> bool:
    """Whether compiled code gives the same values to 1e-5, at the centre and a corner.

    In a reduced precision it rounds less often, so there the values may differ by as much as those
    of the precision do from fp32.
    """
    plain = replace(compiled, compile=False)
    exact = replace(plain, precision="fp32")
    found = {
        one: np.concatenate(
            [
                compute_means(evaluator, one, point, [next(iter(split))])
                for point in (evaluator.slice.origin, corner)
                for split in evaluator.splits.values()
            ]
        )
        for one in (exact, plain, compiled)
    }
    tolerance = TOLERANCE
    if PRECISIONS[plain.precision] is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.abs(found[plain] / found[exact] - 1)
        tolerance = max(tolerance, np.nanmax(np.where(np.isfinite(away), away, 0)))
    return np.allclose(found[compiled], found[plain], rtol=tolerance, atol=0, equal_nan=True)
