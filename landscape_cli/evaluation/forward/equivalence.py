"""Comparison of the values that different settings of the forward pass give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.evaluation.data.batches import batch_length, first_samples, rearrange
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.out_of_memory import if_it_fits
from landscape_cli.records.presentation import is_wide

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


@dataclass(frozen=True)
class Comparison:
    """An objective's means in a reduced precision and in fp32.

    Args:
        points: coordinates of p points.
        names: of q values.
        exact: the means in fp32, of shape (p, q).
        reduced: those in the reduced precision.
    """

    points: Sequence[Sequence[float]]
    names: Sequence[str]
    exact: Means
    reduced: Means

    def relative_errors(self) -> list[dict[str, Any]]:
        """Return each point's coordinates and the relative difference of each value by name.

        A difference is None if either value is not finite.
        """
        relative = np.abs(self.reduced - self.exact) / np.maximum(np.abs(self.exact), 1e-12)
        rows = [[one if math.isfinite(one) else None for one in row] for row in relative.tolist()]
        return [
            {"coordinates": list(point), "relative": dict(zip(self.names, row, strict=True))}
            for point, row in zip(self.points, rows, strict=True)
        ]

    def largest_of_range(self) -> float:
        """Return the first value's largest difference, as a fraction of its range.

        Of logarithms where the values span decades; infinite where only one of both is finite.
        """
        exact, reduced = self.exact[:, 0], self.reduced[:, 0]
        finite = exact[np.isfinite(exact)]
        if len(finite) < 2 or (np.isfinite(exact) != np.isfinite(reduced)).any():
            return math.inf
        with np.errstate(invalid="ignore", divide="ignore"):
            if is_wide(finite):
                exact, reduced, finite = np.log(exact), np.log(reduced), np.log(finite)
            differences = np.abs(reduced - exact)[np.isfinite(exact)]
        spread = float(np.ptp(finite))
        return float(differences.max()) / spread if spread else math.inf


def compare_precisions(evaluator: Evaluator, points: Sequence[Sequence[float]]) -> Comparison:
    """Compare the evaluator's precision with fp32, on samples of the first split.

    Args:
        evaluator: an evaluator with its data loaded; it keeps its settings.
        points: the coordinates at which to compare: the origin and the corners.
    """
    start = evaluator.settings
    sample = precision_sample(evaluator, PRECISION_SAMPLES)
    means: list[list[Any]] = []
    for settings in (replace(start, precision="fp32"), start):
        evaluator.set_forward(settings)
        sums = [evaluator.values(point, sample) for point in points]
        means.append([one.means()[0][0] for one in sums])
    return Comparison(points, sums[0].names, np.array(means[0]), np.array(means[1]))


def precision_sample(evaluator: Evaluator, samples: int) -> list[Any]:
    """Take batches with at least a number of samples.

    On a CPU, a single one is cut to ``PRECISION_SAMPLES``, if that changes no value.
    """
    batches = take_batches(evaluator, samples)
    split = evaluator.first_split
    on_cpu = evaluator.device.type == "cpu"
    if len(batches) == 1 and on_cpu and split.divisible and not split.dependence:
        return [first_samples(batches[0], PRECISION_SAMPLES)]
    return batches


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
