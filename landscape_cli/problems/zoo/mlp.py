"""Multilayer perceptrons."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from landscape_cli.errors import UsageError

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}


class MLP(nn.Module):
    """Fully connected layers with activations between them, on the flattened input.

    Args:
        inputs: number of elements of one sample.
        hidden: widths of the hidden layers; an empty list gives a linear model.
        outputs: number of outputs.
        activation: relu, tanh or gelu.

    Raises:
        UsageError: if a width is not a positive integer, or the activation is unknown.
    """

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int] = (64, 64),
        outputs: int = 10,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise UsageError(f"activation: got {activation!r}, expected one of {known}")
        if not isinstance(hidden, list | tuple):
            raise UsageError(f"hidden: got {hidden!r}, expected a list of widths such as [64, 64]")
        widths = [inputs, *hidden, outputs]
        for width in widths:
            if type(width) is not int or width < 1:
                raise UsageError(f"MLP: got the width {width!r}, expected positive integers")
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), ACTIVATIONS[activation]()]
        self.layers = nn.Sequential(*layers[:-1])
        self.hidden = tuple(hidden)

    @property
    def title(self) -> str:
        """Name of the network in plots, such as "MLP 64-64"."""
        return f"MLP {'-'.join(map(str, self.hidden))}" if self.hidden else "Linear model"

    def forward(self, inputs: Tensor) -> Tensor:
        """Map samples (n, ...) of ``inputs`` elements each to (n, outputs)."""
        return cast(Tensor, self.layers(inputs))
