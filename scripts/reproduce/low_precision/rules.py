"""Rules by which SGD keeps weights on a grid (Li et al. 2017, section 3).

With a gradient g, a learning rate a and the grid's nearest point Q(w):

- ``float``: w <- w - a g, without a grid;
- ``r``, rounding: w <- Q(w - a g);
- ``sr``, stochastic rounding: as ``r``, but up or down at random, so that the mean is kept;
- ``bc``, BinaryConnect: real weights v <- v - a g with the gradient at w = Q(v), and v stays within
  the ends of the grid (Courbariaux et al. 2015, section 2.4).

Grids are those of ``landscape_cli.geometry.quantization``, one scale for each tensor.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from landscape_cli.geometry.quantization import quantize, scale_of

RULES = {
    "float": "SGD without rounding",
    "bc": "BinaryConnect",
    "sr": "stochastic rounding",
    "r": "rounding",
}
"""Names of the rules in tables and figures."""


def scales(weights: Tensor, bits: int) -> Tensor:
    """Return the scale of each network's grid, shape (networks, 1, 1), from trained weights."""
    return torch.stack([scale_of(each.detach(), bits, "tensor") for each in weights])


def largest(scale: Tensor, bits: int) -> Tensor:
    """Return the largest point of a grid."""
    return scale if bits == 1 else scale * ((1 << (bits - 1)) - 1)


def stochastic(weights: Tensor, scale: Tensor, bits: int, generator: torch.Generator) -> Tensor:
    """Round weights in place to one of the two nearest points of their grid, with their mean kept.

    Beyond the ends of the grid, they become its ends.

    Args:
        weights: any shape.
        scale: of the grid, positive, a shape that broadcasts to that of the weights.
        bits: of a weight; with one, the points are -scale and scale.
        generator: of the random numbers.
    """
    step = 2 * scale if bits == 1 else scale
    most = largest(scale, bits)
    uniform = torch.rand(weights.shape, generator=generator, dtype=weights.dtype)
    places = ((weights + most) / step + uniform).floor_()
    return weights.copy_((places * step - most).clamp_(-most, most))


class Rule:
    """A rule applied to the weights of networks that are trained side by side.

    Args:
        name: a key of ``RULES``.
        bits: of a weight; 0 for ``float``.
        scale: of each tensor's grid.
        generator: of the random numbers of ``sr``.
        real: the real weights of ``bc``.
    """

    def __init__(
        self,
        name: str,
        bits: int,
        scale: Sequence[Tensor],
        generator: torch.Generator,
        real: Sequence[Tensor] = (),
    ) -> None:
        self.name, self.bits, self.scale = name, bits, scale
        self.generator = generator
        self.real = [each.clone() for each in real]

    @torch.no_grad()
    def begin(self, weights: Sequence[Tensor]) -> None:
        """Put initial weights on the grid; those of ``bc`` go on as real weights."""
        if self.name == "bc":
            self.real = [each.detach().clone() for each in weights]
        self.step(weights, [torch.zeros_like(each) for each in weights], 0.0)

    @torch.no_grad()
    def step(self, weights: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        """Take a step of SGD in place."""
        for place, (weight, gradient) in enumerate(zip(weights, gradients, strict=True)):
            if self.name == "bc":
                most = largest(self.scale[place], self.bits)
                real = self.real[place].sub_(gradient, alpha=rate)
                weight.copy_(real.clamp_(-most, most))
            else:
                weight.sub_(gradient, alpha=rate)
            if self.name == "sr":
                stochastic(weight, self.scale[place], self.bits, self.generator)
            elif self.name != "float":
                quantize(weight, self.scale[place], self.bits)
