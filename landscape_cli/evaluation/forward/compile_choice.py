"""Choice of whether to compile a run's model: tried on long runs, kept if correct and faster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from landscape_cli.evaluation.data.batches import tensors_in
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.benchmark import CONFIRMATION_ROUNDS, Benchmark
from landscape_cli.evaluation.forward.compilation import can_fuse
from landscape_cli.evaluation.forward.equivalence import TOLERANCE, compute_means, take_batches
from landscape_cli.evaluation.forward.settings import PRECISIONS, Settings

REPAY = 50
"""Smallest ratio of a rank's share of the run to the expected compile time."""

SECONDS, SECONDS_FOR_LAYER = 15.0, 0.15
"""Expected compile time in seconds for each batch shape: a constant, and more for each layer."""

SHOWN = 200
"""Upper bound on the characters kept of a compiler's message."""

UNUSABLE = ("failed", "other values")
"""Outcomes of code that can't be used."""

SAMPLES = 256
"""Lower bound on the samples on which compiled and plain forward passes are timed."""


def repays_compilation(evaluator: Evaluator, seconds: float) -> bool:
    """Tell whether a run is long enough for compiling to cost little of it.

    Args:
        evaluator: an evaluator with its data loaded.
        seconds: the expected duration of the run on this rank, uncompiled.
    """
    batches = (next(iter(split)) for split in evaluator.splits.values())
    shapes = {tuple(tensor.shape for tensor in tensors_in(batch)) for batch in batches}
    layers = sum(1 for module in evaluator.model.modules() if not list(module.children()))
    return seconds >= REPAY * len(shapes) * (SECONDS + SECONDS_FOR_LAYER * layers)


def try_compilation(
    evaluator: Evaluator, corner: Sequence[float], insist: bool
) -> tuple[bool, dict[str, Any]]:
    """Compile the model, and find out whether to keep the compiled code.

    Where convolutions can be fused and that fails or changes values, the model is compiled without.

    Args:
        evaluator: an evaluator with its data loaded and its settings applied; its settings are
            restored at the end.
        corner: the coordinates of a corner of the grid, at which values are compared, as at the
            origin.
        insist: whether to keep compiled code that is correct but not faster.

    Returns:
        Whether to keep compiled code, and facts for the file's provenance: the ``outcome``, the
        ``seconds`` spent, the ``error`` if compiling failed, whether convolutions are ``fused``
        if they can be, the outcome of ``fusion`` if it can't be used, and seconds per sample if
        timed.
    """
    began = time.perf_counter()
    plain = evaluator.settings
    compiled = replace(plain, compile=True)  # evaluates one batch after the other
    facts: dict[str, Any] = {}
    if can_fuse(evaluator.model, evaluator.device, plain.autocast_dtype):
        facts = _try_compiled(evaluator, replace(compiled, fuse=True), corner, insist)
        facts["fused"] = facts["outcome"] not in UNUSABLE
    if not facts.get("fused"):
        without = {"fused": False, "fusion": facts.get("error", facts["outcome"])} if facts else {}
        facts = without | _try_compiled(evaluator, compiled, corner, insist)
    facts["seconds"] = round(time.perf_counter() - began, 3)
    return facts["outcome"] == "kept", facts


def _try_compiled(
    evaluator: Evaluator, compiled: Settings, corner: Sequence[float], insist: bool
) -> dict[str, Any]:
    """Compile the model with some settings, and return the outcome; restore the settings."""
    plain = evaluator.settings
    failure = compile_model(evaluator, compiled)
    facts: dict[str, Any] = {}
    if failure is not None:
        facts = {"outcome": "failed", "error": failure}
    elif not _keeps_values(evaluator, compiled, corner):
        facts = {"outcome": "other values"}
    elif insist:
        facts = {"outcome": "kept"}
    else:
        facts = _compare_with_plain(evaluator, compiled, plain)
    evaluator.set_forward(plain)
    return facts


def compile_model(evaluator: Evaluator, settings: Settings) -> str | None:
    """Switch to compiled settings and compile the model.

    Compiling can fail in many ways: a missing compiler, an unsupported operation, a compiler bug.
    Every failure leaves the model uncompiled and usable.

    Returns:
        None, or one line on what went wrong.
    """
    try:
        evaluator.set_forward(settings)
        evaluator.compile()
    except Exception as error:
        evaluator.set_forward(replace(settings, compile=False, fuse=False))
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
        again = benchmark.compare_settings(compiled, plain, CONFIRMATION_ROUNDS)
        kept = again is not None and again.faster
    return {
        "outcome": "kept" if kept else "not clearly faster",
        "seconds_per_sample": outcome.seconds,
        "against": outcome.against,
    }


def _keeps_values(evaluator: Evaluator, compiled: Settings, corner: Sequence[float]) -> bool:
    """Tell whether compiled code gives the same values to 1e-5, at the origin and a corner.

    In a reduced precision, compiled code rounds at other places, so its values may differ by twice
    as much as that precision's values differ from fp32.
    """
    plain = replace(compiled, compile=False)
    exact = replace(plain, precision="fp32")
    means = {
        settings: np.concatenate(
            [
                compute_means(evaluator, settings, point, [next(iter(split))])
                for point in (evaluator.slice.origin, corner)
                for split in evaluator.splits.values()
            ]
        )
        for settings in (exact, plain, compiled)
    }
    tolerance = TOLERANCE
    if PRECISIONS[plain.precision] is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            deviation = np.abs(means[plain] / means[exact] - 1)
        tolerance = max(tolerance, 2 * np.max(np.where(np.isfinite(deviation), deviation, 0)))
    return np.allclose(means[compiled], means[plain], rtol=tolerance, atol=0, equal_nan=True)
