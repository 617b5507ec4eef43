"""The two players of a generative adversarial network, and the value that they play for."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional


class Game(nn.Module):
    """A generator and a discriminator, each a perceptron with two hidden layers.

    Args:
        noise: number of the generator's inputs.
        size: number of entries of a sample.
        width: number of units in each hidden layer.
        bounded: whether samples lie in (-1, 1), by a final tanh of the generator.
    """

    def __init__(self, noise: int, size: int, width: int, bounded: bool = False) -> None:
        super().__init__()
        self.noise = noise
        last = [nn.Tanh()] if bounded else []
        self.generator = nn.Sequential(
            nn.Linear(noise, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, size),
            *last,
        )
        self.discriminator = nn.Sequential(
            nn.Linear(size, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, real: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the discriminator's logits of n real and of n generated samples, each (n,)."""
        logits = self.discriminator(torch.cat([real, self.generator(noise)])).squeeze(1)
        first, second = logits.chunk(2)
        return first, second


def values(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Mapping[str, Tensor]:
    """Return log D(x) + log(1 - D(G(z))) of each of n pairs of a real sample and noise, (n,).

    Their mean is the value V of Goodfellow et al. 2014, equation 1: the generator minimizes it, the
    discriminator maximizes it.
    """
    real, generated = model(*batch)
    return {"value": functional.logsigmoid(real) + functional.logsigmoid(-generated)}
