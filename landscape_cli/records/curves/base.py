"""The contract of a curve's shape: phi(t) = sum_k c_k(t) w_k for t from 0 to 1."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

NODES = 64
"""Nodes of Gauss and Legendre's quadrature for the length of a smooth piece."""

GRID = 64
"""Places on each smooth piece between which the nearest one is sought."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Factor by which each step of a golden-section search shortens the interval."""


class CurveShape(ABC):
    """The coefficients c_k of a curve with K points w_k, of which the first and last are its ends.

    They add up to 1, so the curve does not depend on the origin. Inner products of the points
    suffice for lengths and distances.

    Args:
        points: K, at least 2.

    Example:
        >>> from landscape_cli.records.curves import curve_of
        >>> curve_of("bezier", 3).coefficients(0.5).tolist()
        [0.25, 0.5, 0.25]
    """

    name: ClassVar[str]
    """The name in ``CURVES``."""

    title: ClassVar[str]
    """Its name in pictures."""

    def __init__(self, points: int) -> None:
        if points < 2:
            raise ValueError(f"points: got {points}, expected at least 2")
        self.points = points

    @abstractmethod
    def coefficients(self, t: float) -> Numbers:
        """Return the coefficients at a place t, of shape (K,).

        Those at 0 and 1 are exact: one of them is 1, and all others are 0.
        """

    @abstractmethod
    def derivatives(self, t: float) -> Numbers:
        """Return the coefficients' derivatives by t, of shape (K,); to the right at a kink."""

    @property
    @abstractmethod
    def knots(self) -> tuple[float, ...]:
        """The places between which the curve is smooth, 0 and 1 among them."""

    def speed(self, t: float, gram: Numbers) -> float:
        """Return the norm of the curve's derivative by t.

        Args:
            t: the place.
            gram: inner products of the points' differences from any origin, of shape (K, K).
        """
        change = self.derivatives(t)
        return math.sqrt(max(0.0, float(change @ gram @ change)))

    def length(self, gram: Numbers, end: float = 1.0) -> float:
        """Return the length of the curve from 0 to a place, by quadrature on each smooth piece.

        Args:
            gram: inner products of the points' differences from any origin, of shape (K, K).
            end: the place, from 0 to 1.
        """
        nodes, weights = np.polynomial.legendre.leggauss(NODES)
        total = []
        for start, stop in zip(self.knots, self.knots[1:], strict=False):
            half = (min(stop, end) - start) / 2
            if half > 0:
                places = start + half * (1 + nodes)
                speeds = [self.speed(t, gram) for t in places.tolist()]
                total += (half * weights * speeds).tolist()
        return math.fsum(total)

    def nearest(self, gram: Numbers, products: Numbers) -> float:
        """Return the place on the curve that is nearest to a network.

        Args:
            gram: inner products of the points' differences from an origin, of shape (K, K).
            products: those of the network's difference from it with each of them, of shape (K,).
        """

        def distance(t: float) -> float:
            """Return the squared distance, but for a constant."""
            c = self.coefficients(t)
            return float(c @ gram @ c - 2 * c @ products)

        pieces = zip(self.knots, self.knots[1:], strict=False)
        grids = (np.linspace(low, high, GRID).tolist() for low, high in pieces)
        places: list[float] = sorted({t for grid in grids for t in grid})
        best = int(np.argmin([distance(t) for t in places]))
        ends = places[max(0, best - 1)], places[min(best + 1, len(places) - 1)]
        return min((places[best], _lowest(distance, *ends)), key=distance)


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function of one number is lowest between two places, if it has one minimum."""
    while high - low > 1e-12:
        first, second = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        if function(first) < function(second):
            high = second
        else:
            low = first
    return (low + high) / 2


def binomials(degree: int) -> Sequence[int]:
    """Return the binomial coefficients of a degree."""
    return [math.comb(degree, k) for k in range(degree + 1)]
