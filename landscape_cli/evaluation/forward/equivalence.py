"""Comparison of the values that different settings of the forward pass give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.evaluation.data.batches import batch_length, rearrange
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.out_of_memory import if_it_fits

TOLERANCE = 1e-5
"""Largest relative difference between values that counts as rounding."""

PRECISION_SAMPLES = 512
"""Lower bound on the samples on which a precision is compared with fp32."""

Means = NDArray[np.float64]


def own_means(evaluator: Evaluator, corner: Sequence[float], batches: list[Any]) -> list[Means]:
    """Compute the means that ``keeps_values`` expects, which takes the same arguments."""
    start = evaluator.settings
    own = replace(start, precision="fp32")
    points = evaluator.slice.origin, corner
    means = [compute_means(evaluator, own, point, batches) for point in points]
    evaluator.set_forward(start)
    return means


def keeps_values(
    evaluator: Evaluator,
    settings: Settings,
    corner: Sequence[float],
    batches: list[Any],
    expected: list[Means] | None = None,
) -> bool:
    """Tell whether settings give the evaluator's own values, to a relative 1e-5 in float32.

    They do not if folding is wrong for the model, if a sample's value depends on the others in its
    batch, or if the settings need more memory than there is.

    Args:
        evaluator: the evaluator; its settings are restored at the end.
        settings: the settings to compare with its own.
        corner: the coordinates at which to compare, besides the origin.
        batches: the samples to compare on, divided as the evaluator's own settings divide them.
        expected: the ``own_means`` of these, if they are known.
    """
    start = evaluator.settings
    size = settings.micro_batch if settings.micro_batch != start.micro_batch else None
    expected = own_means(evaluator, corner, batches) if expected is None else expected
    same = True
    for point, own in zip((evaluator.slice.origin, corner), expected, strict=True):
        changed = replace(settings, precision="fp32")
        candidate = partial(compute_means, evaluator, changed, point, batches, size)
        means = if_it_fits(candidate, evaluator.device)
        same &= means is not None and np.allclose(
            own, means, rtol=TOLERANCE, atol=0, equal_nan=True
        )
    evaluator.set_forward(start)
    return bool(same)


def compute_means(
    evaluator: Evaluator,
    settings: Settings,
    coordinates: Sequence[float],
    batches: list[Any],
    size: int | None = None,
) -> Means:
    """Compute the means over some batches with new settings, which the evaluator then keeps.

    Args:
        evaluator: an evaluator with its data loaded.
        settings: the settings of the forward pass.
        coordinates: the point.
        batches: the samples.
        size: samples in a batch; None keeps the batches.
    """
    evaluator.set_forward(settings)
    data = rearrange(batches, size, settings.channels_last)
    means, _ = evaluator.values(coordinates, data).means()
    return np.ravel(means)


def precision_errors(
    evaluator: Evaluator, points: Sequence[Sequence[float]]
) -> list[dict[str, Any]]:
    """Measure how the evaluator's precision deviates from fp32, on samples of the first split.

    Args:
        evaluator: an evaluator with its data loaded.
        points: the coordinates at which to compare: the origin and the corners.

    Returns:
        For each point, its coordinates and, by name, the relative difference of each value; None
        if either value is not finite.
    """
    start = evaluator.settings
    sample = take_batches(evaluator, PRECISION_SAMPLES)
    errors = []
    for coordinates in points:
        means = []
        for settings in (replace(start, precision="fp32"), start):
            evaluator.set_forward(settings)
            sums = evaluator.values(coordinates, sample)
            means.append(sums.means()[0][0])
        differences = np.abs(means[1] - means[0]) / np.maximum(np.abs(means[0]), 1e-12)
        relative = {
            name: float(value) if np.isfinite(value) else None
            for name, value in zip(sums.names, differences, strict=True)
        }
        errors.append({"coordinates": list(coordinates), "relative": relative})
    return errors


def take_batches(evaluator: Evaluator, samples: int) -> list[Any]:
    """Take the first batches of the first split that hold at least a number of samples."""
    batches: list[Any] = []
    for batch in evaluator.first_split:
        batches.append(batch)
        samples -= batch_length(batch) or 1
        if samples <= 0:
            break
    return batches


def count_samples(batches: list[Any]) -> int:
    """Count the samples in some batches."""
    return sum(batch_length(batch) or 1 for batch in batches)
