"""Whether another way to do the forward pass gives the same values, and how far off it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.evaluation.data.batches import arranged, batch_length
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.out_of_memory import if_it_fits

TOLERANCE = 1e-5
PRECISION_SAMPLES = 512


def keeps_values(
    evaluator: Evaluator, settings: Settings, corner: Sequence[float], batches: list[Any]
) -> bool:
    """Whether settings give the evaluator's own values, to 1e-5 of each, in float32.

    They do not where folding is wrong for a model, or where a sample's value depends on the others
    in its batch; nor where they take more memory than there is.

    Args:
        evaluator: its settings are what they were when this returns.
        settings: what to compare.
        corner: where to compare, besides the centre.
        batches: the samples to compare on, as the evaluator's own settings divide them.
    """
    start = evaluator.settings
    size = settings.micro_batch if settings.micro_batch != start.micro_batch else None
    same = True
    for point in (evaluator.slice.origin, corner):
        exact, found = (
            partial(
                compute_means, evaluator, replace(one, precision="fp32"), point, batches, divided
            )
            for one, divided in ((start, None), (settings, size))
        )
        expected, means = exact(), if_it_fits(found, evaluator.device)
        same &= means is not None and np.allclose(
            expected, means, rtol=TOLERANCE, atol=0, equal_nan=True
        )
    evaluator.set_forward(start)
    return bool(same)


def compute_means(
    evaluator: Evaluator,
    settings: Settings,
    coordinates: Sequence[float],
    batches: list[Any],
    size: int | None = None,
) -> NDArray[np.float64]:
    """The means over some batches with some settings, which the evaluator has from then on.

    Args:
        evaluator: with its data loaded.
        settings: how to do the forward pass.
        coordinates: the point.
        batches: the samples.
        size: samples in a batch; None leaves the batches as they are.
    """
    evaluator.set_forward(settings)
    data = arranged(batches, size, settings.channels_last)
    means, _ = evaluator.values(coordinates, data).means()
    return np.ravel(means)


def precision_errors(
    evaluator: Evaluator, points: Sequence[Sequence[float]]
) -> list[dict[str, Any]]:
    """What the evaluator's precision changes, against fp32, on a sample of the first split.

    Args:
        evaluator: with its data loaded.
        points: the coordinates to compare at: the centre and the corners.

    Returns:
        For each point its coordinates and, by name, the relative difference of each value; None
        where one of the two is not finite.
    """
    start = evaluator.settings
    sample = take_batches(evaluator, PRECISION_SAMPLES)
    found = []
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
        found.append({"coordinates": list(coordinates), "relative": relative})
    return found


def take_batches(evaluator: Evaluator, samples: int) -> list[Any]:
    """The first batches of the first split, until there are so many samples."""
    batches: list[Any] = []
    for batch in evaluator.first_split:
        batches.append(batch)
        samples -= batch_length(batch) or 1
        if samples <= 0:
            break
    return batches


def count_samples(batches: list[Any]) -> int:
    """The samples in some batches."""
    return sum(batch_length(batch) or 1 for batch in batches)
