"""The null walks that a rank draws."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from landscape_cli.diffusion.study import NullWalks, WalkMap
from landscape_cli.run.diffusion.mapping import Draw
from landscape_cli.run.diffusion.opening import numbers_of
from landscape_cli.run.diffusion.request import Request


class Walks:
    """Draws null walks by kind and number, the same on any rank.

    Args:
        request: the settings.
        distances2: of the map's checkpoints.
        parameters: dimension of the parameter space.
    """

    def __init__(self, request: Request, distances2: NDArray[np.float64], parameters: int) -> None:
        self._request, self._distances2, self._parameters = request, distances2, parameters
        self._kinds: dict[str, NullWalks] = {}
        self.slowest = 0.0

    def draw(self, draw: Draw | None) -> WalkMap | None:
        """Draw a walk, and compute its map; nothing for None."""
        if draw is None:
            return None
        kind, number = draw
        begin = time.monotonic()
        if kind not in self._kinds:
            training = numbers_of(self._request.paths, 0)
            choices = self._request.choices
            self._kinds[kind] = NullWalks(
                kind, self._distances2, training, self._parameters, choices
            )
        found = self._kinds[kind].draw(number)
        self.slowest = max(self.slowest, time.monotonic() - begin)
        return found
