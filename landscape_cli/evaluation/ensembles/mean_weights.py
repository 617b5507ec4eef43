"""The mean of several networks' parameters, summed one after the other."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from landscape_cli.geometry.parameters import FlatParameters, Place
from landscape_cli.util.accelerators import wide


class MeanWeights:
    """The mean of parameters in float64, rounded once (stochastic weight averaging, SWA).

    Izmailov et al. 2018, *Averaging Weights Leads to Wider Optima and Better Generalization*. Two
    copies of the parameters are in memory, the model's and the sums.

    Example:
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> parameters, mean = FlatParameters.of_model(model, "cpu"), MeanWeights()
        >>> for weight in (1.0, 2.0, 6.0):
        ...     _ = parameters.views["weight"].fill_(weight)
        ...     mean.add(parameters)
        >>> mean.write(parameters)
        >>> model.weight.item()
        3.0
    """

    def __init__(self) -> None:
        self._sums: dict[Place, Tensor] = {}
        self._squares = 0.0
        self.networks = 0

    def add(self, parameters: FlatParameters) -> None:
        """Add a network's parameters."""
        for place, buffer in parameters.buffers.items():
            entries = wide(buffer.detach()).cpu()
            self._squares += float(entries.square().sum())
            if place in self._sums:
                self._sums[place] += entries
            else:
                self._sums[place] = entries.clone()
        self.networks += 1

    @torch.no_grad()
    def write(self, parameters: FlatParameters) -> None:
        """Write the mean into a network's parameters."""
        for place, buffer in parameters.buffers.items():
            buffer.copy_(self._sums[place] / self.networks)

    def spread(self) -> float:
        """Return the root mean square of the networks' Euclidean distances from the mean."""
        return math.sqrt(max(0.0, self._squares / self.networks - self.norm() ** 2))

    def norm(self) -> float:
        """Return the Euclidean norm of the mean."""
        own = sum(float(total.square().sum()) for total in self._sums.values())
        return math.sqrt(own) / self.networks
