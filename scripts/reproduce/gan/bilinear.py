"""The bilinear game of two numbers, V = x y, and three ways of playing it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape_cli.evaluation.derivatives import backward
from landscape_cli.problems import Problem

METHODS = ("simultaneous", "alternating", "prediction")
"""Ways in which the two players' steps follow each other."""

Floats = NDArray[np.float64]


class Bilinear(nn.Module):
    """Two numbers: x, whose player minimizes the product, and y, whose player maximizes it."""

    def __init__(self) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.zeros(()))
        self.y = nn.Parameter(torch.zeros(()))

    def forward(self) -> Tensor:
        """Return the value of the game, a scalar."""
        return self.x * self.y


def values(model: nn.Module, batch: Tensor) -> Mapping[str, Tensor]:
    """Return the game's value for each of n samples, which all are the same."""
    return {"value": model().expand(len(batch))}


def build() -> Problem:
    """Build the problem, whose one sample is without meaning."""
    return Problem(Bilinear(), {"game": [torch.zeros(1, 1)]}, values, name="bilinear game")


def gradient(x: float, y: float) -> tuple[float, float]:
    """Return the slopes of the value along x and y, from a backward pass."""
    game = Bilinear().double()
    with torch.no_grad():
        game.x.fill_(x)
        game.y.fill_(y)
    backward(values(game, torch.zeros(1, 1))["value"].mean(), game.parameters())
    slopes = [0.0 if one.grad is None else float(one.grad) for one in (game.x, game.y)]
    return slopes[0], slopes[1]


def step(method: str, x: float, y: float, rate: float) -> tuple[float, float]:
    """Let both players make a step: x first, down the value, then y, up.

    Args:
        method: a name in ``METHODS``. With ``simultaneous``, y answers to the x before the step;
            with ``alternating`` to the x after it, x+; with ``prediction`` to 2 x+ - x (Yadav et
            al. 2018).
        x: the number of the player who minimizes.
        y: the number of the player who maximizes.
        rate: the learning rate of both.
    """
    after = x - rate * gradient(x, y)[0]
    answered = {"simultaneous": x, "alternating": after, "prediction": 2 * after - x}[method]
    return after, y + rate * gradient(answered, y)[1]


def path(method: str, start: tuple[float, float], rate: float, steps: int) -> Floats:
    """Return the points of a game from its start on, (steps + 1, 2)."""
    points = [start]
    for _ in range(steps):
        points.append(step(method, *points[-1], rate))
    return np.array(points)


def update_matrix(method: str, rate: float) -> Floats:
    """Return the matrix of a step, (2, 2), from steps of the two unit vectors."""
    return np.array([step(method, *unit, rate) for unit in ((1.0, 0.0), (0.0, 1.0))]).T


def radius(matrix: Floats) -> float:
    """Return the spectral radius of a matrix: the factor by which a step stretches in the end."""
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def closed_form(method: str, rate: float) -> float:
    """Return the spectral radius of a step with a learning rate up to 1."""
    return {
        "simultaneous": float(np.sqrt(1 + rate**2)),
        "alternating": 1.0,
        "prediction": float(np.sqrt(1 - rate**2)),
    }[method]
