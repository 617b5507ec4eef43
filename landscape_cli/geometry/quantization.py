"""Rounding of weights to a uniform symmetric grid whose scale the centre fixes.

With b bits, a weight becomes the nearest of the 2^b - 1 multiples k s, |k| <= m = 2^(b-1) - 1, of
the step s = max |w| / m, where the maximum is over the weight's filter at the centre; whatever is
beyond m s is clipped to it. With one bit, a weight becomes s or -s by its sign, where s is the mean
of |w| over the filter at the centre, as in XNOR-Net (Rastegari et al. 2016, section 3.1). A filter
that is zero at the centre stays zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from landscape_cli.errors import UsageError, some
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.selection import Selection

Per = Literal["filter", "tensor"]
"""Weights that share a scale."""


class QuantizedWeights(Selection):
    """The choice of the weights to round, by default all tensors of more than one dimension."""

    purpose: ClassVar[str] = "quantize"

    def names(self, parameters: FlatParameters, tensors: Mapping[str, Tensor]) -> list[str]:
        """Return the names of the weights.

        Args:
            parameters: of the model.
            tensors: those of ``parameters.views`` to choose from.

        Raises:
            UsageError: if a pattern matches no tensor, or no weight is left.
        """
        chosen = self.among(parameters)
        chosen.prepare("quantize", tensors)
        names = [name for name in tensors if chosen.selects(name)]
        weights = [name for name in names if len(parameters.shape(name)) > 1]
        if not weights:
            raise UsageError(
                f"quantize: there is no tensor of more than one dimension among {some(names)}; "
                "biases and norms keep full precision, so choose others"
            )
        return weights


class Quantizer:
    """Rounds weights in place.

    Args:
        centre: the trained parameters, which fix the scales.
        names: of the weights to round, with at least 2 dimensions, float32 or float64.
        bits: of a weight, at least 1.
        per: the weights that share a scale.

    Raises:
        UsageError: if a weight is not finite at the centre.
    """

    def __init__(self, centre: FlatParameters, names: list[str], bits: int, per: Per) -> None:
        self.bits = bits
        self.per = per
        views, columns = centre.views, centre.columns
        self.scales = {name: scale_of(views[name], bits, per, name in columns) for name in names}
        broken = [name for name, scale in self.scales.items() if not scale.isfinite().all()]
        if broken:
            raise UsageError(
                f"quantize: {some(broken)} is not finite at the centre, so there is no scale to "
                "round it to; exclude it, or use another checkpoint"
            )

    def apply(self, parameters: FlatParameters) -> None:
        """Round the weights of parameters that are laid out like the centre."""
        for name, scale in self.scales.items():
            quantize(parameters.views[name], scale, self.bits)

    def clipped(self, parameters: FlatParameters) -> float:
        """Return the fraction of the weights that are beyond the grid by more than half a step."""
        if self.bits == 1 or not self.scales:
            return 0.0
        most = _levels(self.bits) + 0.5
        views = parameters.views
        beyond = sum(int((views[n].abs() > most * s).sum()) for n, s in self.scales.items())
        return beyond / self.weights(parameters)

    def weights(self, parameters: FlatParameters) -> int:
        """Return the number of weights that are rounded."""
        return sum(parameters.views[name].numel() for name in self.scales)


def scale_of(weights: Tensor, bits: int, per: Per, columns: bool = False) -> Tensor:
    """Return the scales of a tensor's grid, on its device and in its dtype.

    They are computed in float64 by one thread, so that they are the same everywhere.

    Args:
        weights: the tensor at the centre, float32 or float64.
        bits: of a weight.
        per: the weights that share a scale.
        columns: True if filters are columns, not slices along dimension 0.

    Returns:
        Of the tensor's shape, with 1 in place of each dimension along which scales are shared.
    """
    shared = tuple(range(weights.dim()))
    if per == "filter":
        shared = (0,) if columns else shared[1:]
    sizes = np.abs(weights.detach().cpu().numpy().astype(np.float64))
    if sizes.size == 0:
        found = np.zeros([1] * sizes.ndim)
    elif bits == 1:
        found = sizes.mean(axis=shared, keepdims=True)
    else:
        found = sizes.max(axis=shared, keepdims=True) / _levels(bits)
    return torch.from_numpy(found).to(weights.dtype).to(weights.device)


def quantize(weights: Tensor, scale: Tensor, bits: int) -> Tensor:
    """Round weights in place to their grid; halves are rounded to even, and NaN stays NaN.

    Args:
        weights: any shape, float32 or float64.
        scale: of the grid, a shape that broadcasts to that of the weights; where it is zero, so
            are the weights.
        bits: of a weight; with one, zeros become positive.

    Example:
        >>> import torch
        >>> quantize(torch.tensor([0.9, 0.2, -0.4, -7.0]), torch.tensor(0.5), 3).tolist()
        [1.0, 0.0, -0.5, -1.5]
    """
    if bits == 1:
        rounded = torch.where(weights < 0, -scale, scale)
        return weights.copy_(torch.where(weights.isnan(), weights, rounded))
    most = _levels(bits)
    divisor = torch.where(scale == 0, 1, scale)
    return weights.div_(divisor).round_().clamp_(-most, most).mul_(scale)


def _levels(bits: int) -> int:
    """Return the number of positive values of a grid."""
    return (1 << (bits - 1)) - 1
