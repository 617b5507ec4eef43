"""One-dimensional SGD on a grid as a Markov chain, whose long-run distribution is exact.

The objective is that of Li et al. 2017, section 5.1: three parabolas, of which the last is deepest.
Stochastic gradients are its derivative plus Gaussian noise.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

WELLS = ((0.0, 2.0), (2.5, 0.75), (4.75, 0.19))
"""Place and value of each minimum; all parabolas have the second derivative 2."""

BOUNDARIES = (1.0, 3.5)
"""Ends of the parabolas, where the next ones begin."""

ENDS = (-2.0, 7.0)
"""The first and the last point of the grid; whatever goes beyond is put there."""

CELLS = 8
"""Cells of BinaryConnect's real weight per standard deviation of a step's noise."""


def objective(w: Floats) -> Floats:
    """Return the three parabolas' value."""
    places, values = np.array(WELLS)[np.searchsorted(BOUNDARIES, w, side="right")].T
    return np.asarray((w - places) ** 2 + values)


def slope(w: Floats) -> Floats:
    """Return their derivative."""
    places = np.array(WELLS)[np.searchsorted(BOUNDARIES, w, side="right")][..., 0]
    return np.asarray(2 * (w - places))


def grid(step: float, ends: tuple[float, float] = ENDS) -> Floats:
    """Return the points of a grid."""
    return np.arange(round((ends[1] - ends[0]) / step) + 1) * step + ends[0]


def rounding_chain(points: Floats, slopes: Floats, rate: float, noise: float) -> Floats:
    """Return the transition matrix of stochastic rounding, shape (n, n); rows are departures.

    u = w - rate (slope + noise z) is normal. It is rounded to a point y_j or below with the
    probability E clip((y_{j+1} - u) / step, 0, 1), for which normal variables have a closed form.

    Args:
        points: of the grid, equally spaced.
        slopes: the objective's derivative at each.
        rate: the learning rate.
        noise: standard deviation of a stochastic gradient.
    """
    step = points[1] - points[0]
    edges = np.append(points, points[-1] + step)
    excess = _mean_below(edges[None, :], (points - rate * slopes)[:, None], rate * noise)
    below = np.clip(np.diff(excess, axis=1) / step, 0, 1)
    below[:, -1] = 1.0
    return np.diff(below, axis=1, prepend=0.0)


def _mean_below(edges: Floats, means: Floats, deviation: float) -> Floats:
    """Return E max(edge - u, 0) for normal u."""
    z = (edges - means) / deviation
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(deviation * (z * ndtr(z) + density))


def rounding_limit(slopes: Floats, noise: float) -> Floats:
    """Return the limit of stochastic rounding's distribution as the learning rate falls to 0.

    To first order in the rate, the chain moves to neighbours only, up with a probability in
    proportion to E max(-g, 0) and down with one to E max(g, 0) (Li et al. 2017, theorem 5). So the
    flows between two neighbours are equal.
    """
    up = _mean_below(np.zeros_like(slopes), slopes, noise)
    down = _mean_below(np.zeros_like(slopes), -slopes, noise)
    logs = np.concatenate([[0.0], np.cumsum(np.log(up[:-1]) - np.log(down[1:]))])
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


def connect_chain(
    points: Floats, slopes: Floats, rate: float, noise: float
) -> tuple[Floats, NDArray[np.intp]]:
    """Return BinaryConnect's chain of the real weight, divided into small cells.

    Args:
        points: of the grid, equally spaced; the real weight stays between their ends.
        slopes: the objective's derivative at each.
        rate: the learning rate.
        noise: standard deviation of a stochastic gradient.

    Returns:
        The transition matrix of the cells, and the index of the point to which each is rounded.
    """
    step = points[1] - points[0]
    per_step = 2 * math.ceil(CELLS * step / (rate * noise) / 2)
    edges = points[0] + np.arange(per_step * (len(points) - 1) + 1) * (step / per_step)
    centres = (edges[1:] + edges[:-1]) / 2
    nearest = np.rint((centres - points[0]) / step).astype(np.intp)
    means = centres - rate * slopes[nearest]
    below = ndtr((edges[None, 1:] - means[:, None]) / (rate * noise))
    below[:, -1] = 1.0
    return np.diff(below, axis=1, prepend=0.0), nearest


def stationary(chain: Floats, smallest: float = 1e-30) -> Floats:
    """Return the stationary distribution of an irreducible chain.

    States are eliminated one by one without subtractions, so that it is accurate entry by entry,
    however rarely wells are left (Grassmann, Taksar and Heyman 1985).

    Args:
        chain: the transition matrix, shape (n, n).
        smallest: probabilities below it count as 0, which makes the chain banded.
    """
    chain = np.where(chain < smallest, 0.0, chain)
    first = _first_neighbours(chain)
    for last in range(len(chain) - 1, 0, -1):
        rest = slice(first[last], last)
        chain[rest, last] /= chain[last, rest].sum()
        chain[rest, rest] += np.outer(chain[rest, last], chain[last, rest])
    found = np.zeros(len(chain))
    found[0] = 1.0
    for place in range(1, len(chain)):
        rest = slice(first[place], place)
        found[place] = found[rest] @ chain[rest, place]
        if found[place] > 1e200:
            found[: place + 1] /= found[place]
    return np.asarray(found / found.sum())


def _first_neighbours(chain: Floats) -> NDArray[np.intp]:
    """Return, for each state, the first one with which it or a later state exchanges anything."""
    linked = (chain > 0) | (chain.T > 0)
    first = np.minimum(linked.argmax(axis=1), np.arange(len(chain)))
    return np.asarray(np.minimum.accumulate(first[::-1])[::-1])


def connect_distribution(points: Floats, slopes: Floats, rate: float, noise: float) -> Floats:
    """Return the stationary distribution of BinaryConnect's rounded weight over the points."""
    chain, nearest = connect_chain(points, slopes, rate, noise)
    return np.bincount(nearest, stationary(chain), len(points))


def rounding_distribution(points: Floats, slopes: Floats, rate: float, noise: float) -> Floats:
    """Return the stationary distribution of stochastic rounding over the points."""
    return stationary(rounding_chain(points, slopes, rate, noise))


def parabola_floors(step: float, noise: float, offset: float = 0.5) -> tuple[float, float]:
    """Return the mean loss of w^2 / 2 that remains as the learning rate falls to 0.

    Args:
        step: of a grid that extends 8 (noise + step) to both sides.
        noise: standard deviation of a stochastic gradient.
        offset: the minimum's distance from the point below it, in steps.

    Returns:
        That of stochastic rounding; and that of BinaryConnect, which goes to and fro between the
        two points beside the minimum, with a mean at the minimum: step^2 offset (1 - offset) / 2.
    """
    reach = math.ceil(8 * (noise + step) / step)
    points = (np.arange(-reach, reach + 1) - offset) * step
    rounded = float(rounding_limit(points, noise) @ points**2 / 2)
    return rounded, step**2 * offset * (1 - offset) / 2


def relaxation(chain: Floats) -> float:
    """Return the steps after which the slowest deviation from stationarity has fallen by 1/e."""
    sizes = np.sort(np.abs(np.linalg.eigvals(chain)))
    return float(-1 / np.log(sizes[-2]))
