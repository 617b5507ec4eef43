"""Numbers of a diffusion map that are compared with those of random walks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from landscape_cli.diffusion.diffusion_map import DiffusionMap
from landscape_cli.diffusion.products import PrincipalComponents
from landscape_cli.diffusion.walks import spans_of

Floats = NDArray[np.float64]


def statistics_of(
    found: DiffusionMap,
    components: PrincipalComponents,
    dimension: float,
    distances2: Floats,
    training: NDArray[np.int64],
) -> dict[str, float]:
    """Return every statistic in ``records.dynamics.null_comparison.STATISTICS``, by name.

    Args:
        found: the map, with at least two components.
        components: principal components of the same points.
        dimension: twice the largest slope of the kernel's sum.
        distances2: squared distances, of shape (n, n).
        training: number of each point's training, of shape (n,).
    """
    spans = spans_of(training)
    first, second = found.functions[:, 0], found.functions[:, 1]
    return {
        "gap": _gap(found.eigenvalues),
        "time_correlation": _mean(
            [abs(_correlation(first[one], np.arange(float(len(one))))) for one in spans]
        ),
        "square_correlation": abs(_correlation(second, first**2)),
        "dimension": dimension,
        "explained": float(components.explained.sum()),
        "components": components.effective,
        "turning": _mean([_each(_turning, distances2, one) for one in spans]),
        "straightness": _mean([_each(_straightness, distances2, one) for one in spans]),
    }


def _gap(eigenvalues: Floats) -> float:
    """Return -log lambda_2 over -log lambda_1: 4 for points along a line, 1 for those of a disc."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(eigenvalues[2]) / np.log(eigenvalues[1])
    return float(ratio) if np.isfinite(ratio) else float("nan")


def _correlation(one: Floats, other: Floats) -> float:
    """Return Pearson's correlation; NaN where one does not vary."""
    if len(one) < 3:
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.corrcoef(one, other)[0, 1])


def _each(
    function: Callable[[Floats, NDArray[np.int64]], float],
    distances2: Floats,
    span: NDArray[np.int64],
) -> float:
    return function(distances2, span) if len(span) > 2 else float("nan")


def _turning(distances2: Floats, span: NDArray[np.int64]) -> float:
    """Return the mean cosine between one step and the next."""
    before, after = distances2[span[:-2], span[1:-1]], distances2[span[1:-1], span[2:]]
    moved = (before > 0) & (after > 0)
    if not moved.any():
        return float("nan")
    both = distances2[span[:-2], span[2:]][moved]
    before, after = before[moved], after[moved]
    return float(np.mean((both - before - after) / (2 * np.sqrt(before) * np.sqrt(after))))


def _straightness(distances2: Floats, span: NDArray[np.int64]) -> float:
    """Return the distance from the first to the last point over the path's length."""
    length = float(np.sqrt(distances2[span[:-1], span[1:]]).sum())
    distance = float(np.sqrt(distances2[span[0], span[-1]]))
    return distance / length if length > 0 else float("nan")


def _mean(values: Sequence[float]) -> float:
    """Return the mean of the trainings' values that are known."""
    known = [value for value in values if np.isfinite(value)]
    return sum(known) / len(known) if known else float("nan")
