"""A diffusion map with its bandwidth, its statistics and those of random walks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.diffusion.bandwidth import Pairs, SteepestSlope, steepest
from landscape_cli.diffusion.diffusion_map import DiffusionMap, diffusion_map
from landscape_cli.diffusion.products import PrincipalComponents, principal_components
from landscape_cli.diffusion.statistics import statistics_of
from landscape_cli.diffusion.walks import permuted_steps, random_steps
from landscape_cli.records.dynamics.diffusion import KernelSums, Null, Spectrum

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

FACTORS = (0.5, 2.0)
"""Other bandwidths whose spectra are computed, over the map's."""

RULES = ("auto", "median")
"""Ways to choose the bandwidth."""

KINDS = ("walk", "permuted")
"""Kinds of null walks."""

DRAWS, DRAWN_POINTS = 20, 2000
"""Default number of walks of a kind, and the number of points above which there are fewer."""

FEWEST_DRAWS = 5


@dataclass(frozen=True)
class Choices:
    """Settings of a diffusion map.

    Args:
        alpha: exponent of the density normalization.
        epsilon: the bandwidth; ``auto`` for the steepest slope of the kernel's sum where
            the kernel joins all points, ``median`` for the median squared distance.
        components: number of coordinates.
        time: the power of the eigenvalues in the coordinates.
        nulls: kinds of null walks, of ``KINDS``.
        draws: number of walks of each kind; chosen by the number of points if None.
        seed: of the walks.
    """

    alpha: float = 1.0
    epsilon: float | str = "auto"
    components: int = 5
    time: float = 1.0
    nulls: tuple[str, ...] = KINDS
    draws: int | None = None
    seed: int = 0

    def check(self, points: int) -> None:
        """Refuse settings that are out of range for a number of points.

        Raises:
            ValueError: naming the setting, its value and what was expected.
        """
        epsilon = self.epsilon
        if isinstance(epsilon, str):
            if epsilon not in RULES:
                raise ValueError(
                    f"epsilon: got {epsilon!r}, expected {', '.join(RULES)} or a number above 0"
                )
        elif not (math.isfinite(epsilon) and epsilon > 0):
            raise ValueError(f"epsilon: got {epsilon:g}, expected a number above 0")
        if not (math.isfinite(self.alpha) and 0 <= self.alpha <= 1):
            raise ValueError(f"alpha: got {self.alpha:g}, expected a number from 0 to 1")
        if not (math.isfinite(self.time) and self.time >= 0):
            raise ValueError(f"time: got {self.time:g}, expected a number from 0 on")
        if not 1 <= self.components < points:
            raise ValueError(
                f"components: got {self.components}, expected 1 to {points - 1}, fewer than the "
                f"{points} checkpoints"
            )


@dataclass(frozen=True)
class WalkMap:
    """The map of a null walk.

    Args:
        epsilon: its bandwidth.
        eigenvalues: of shape (k + 1,), the trivial 1 first.
        coordinates: of shape (n, k).
        statistics: by name.
    """

    epsilon: float
    eigenvalues: Floats
    coordinates: Floats
    statistics: dict[str, float]


@dataclass(frozen=True)
class _Found:
    """A map of points with what belongs to it."""

    map: DiffusionMap
    curve: KernelSums
    slope: SteepestSlope
    components: PrincipalComponents
    statistics: dict[str, float]


def draws_for(points: int) -> int:
    """Return the default number of walks, which keeps their time about the same from 2,000 on."""
    fewer = int(DRAWS * (DRAWN_POINTS / points) ** 3) if points > DRAWN_POINTS else DRAWS
    return max(FEWEST_DRAWS, fewer)


def study(distances2: Floats, training: Numbers, choices: Choices) -> dict[str, Any]:
    """Compute a diffusion map and what belongs to it, but the null walks.

    Args:
        distances2: squared distances of n points, not all 0, of shape (n, n).
        training: number of each point's training, of shape (n,).
        choices: the settings; at most n - 1 components.

    Returns:
        Attributes of a ``Diffusion`` record by name.
    """
    found = _find(distances2, training, choices)
    epsilon, count = found.map.epsilon, choices.components
    spectra = (
        diffusion_map(distances2, factor * epsilon, choices.alpha, count).eigenvalues
        for factor in FACTORS
    )
    return {
        "alpha": choices.alpha,
        "epsilon": epsilon,
        "chosen": choices.epsilon if isinstance(choices.epsilon, str) else "given",
        "time": choices.time,
        "eigenvalues": found.map.eigenvalues[: count + 1],
        "coordinates": found.map.coordinates(choices.time)[:, :count],
        "spectra": tuple(map(Spectrum, FACTORS, spectra)),
        "kernel": found.curve,
        "dimension": found.slope.dimension,
        "statistics": {**found.statistics, "maxima": float(found.slope.maxima)},
        "pca": found.components.coordinates,
        "explained": found.components.explained,
    }


class NullWalks:
    """Null walks of a kind, each by its number, and their maps with the same settings.

    Args:
        kind: one of ``KINDS``.
        distances2: squared distances of the trainings' n points, of shape (n, n).
        training: number of each point's training, of shape (n,).
        dimension: of the space of the points.
        choices: the settings.
    """

    def __init__(
        self, kind: str, distances2: Floats, training: Numbers, dimension: int, choices: Choices
    ) -> None:
        self._kind, self._training, self._choices = kind, training, choices
        if kind == "permuted":
            self._walk = permuted_steps(distances2, training)
        else:
            self._walk = random_steps(distances2, training, dimension)

    def draw(self, number: int) -> WalkMap:
        """Draw a walk, and compute its map."""
        seed = (self._choices.seed, KINDS.index(self._kind), number)
        distances2 = self._walk(np.random.default_rng(seed))
        found = _find(distances2, self._training, self._choices, exact=False)
        count = self._choices.components
        return WalkMap(
            found.map.epsilon,
            found.map.eigenvalues[: count + 1],
            found.map.coordinates(self._choices.time)[:, :count],
            found.statistics,
        )


def null_of(kind: str, seed: int, walks: Sequence[WalkMap]) -> Null:
    """Put the maps of walks of a kind together."""
    return Null(
        kind,
        seed,
        np.array([one.epsilon for one in walks]),
        np.array([one.eigenvalues for one in walks]),
        walks[0].coordinates,
        {name: np.array([one.statistics[name] for one in walks]) for name in walks[0].statistics},
    )


def joined(first: Null | None, second: Null) -> Null:
    """Append walks to those that there are."""
    if first is None:
        return second
    return replace(
        first,
        epsilons=np.concatenate([first.epsilons, second.epsilons]),
        eigenvalues=np.concatenate([first.eigenvalues, second.eigenvalues]),
        statistics={
            name: np.concatenate([values, second.statistics[name]])
            for name, values in first.statistics.items()
        },
    )


def shortened(null: Null, draws: int) -> Null:
    """Keep the first walks."""
    return replace(
        null,
        epsilons=null.epsilons[:draws],
        eigenvalues=null.eigenvalues[:draws],
        statistics={name: values[:draws] for name, values in null.statistics.items()},
    )


def _find(distances2: Floats, training: Numbers, choices: Choices, exact: bool = True) -> _Found:
    """Compute a map with its bandwidth and its statistics."""
    pairs = Pairs.of(distances2)
    curve = pairs.curve()
    slope = steepest(pairs, curve)
    epsilon = choices.epsilon
    if isinstance(epsilon, str):
        epsilon = slope.epsilon if epsilon == "auto" else pairs.median()
    count = max(2, choices.components)
    found = diffusion_map(distances2, epsilon, choices.alpha, count)
    components = principal_components(distances2, exact)
    numbers = statistics_of(found, components, slope.dimension, distances2, training)
    return _Found(found, curve, slope, components, numbers)
