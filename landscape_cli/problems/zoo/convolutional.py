"""Channel counts and initial weights shared by the convolutional networks."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from landscape_cli.errors import UsageError


def scale_channels(channels: Iterable[int], width: float) -> list[int]:
    """Multiply channel counts by a network's width, round them, and keep at least one channel.

    Args:
        channels: the channel counts at width 1.
        width: the factor.

    Raises:
        UsageError: if the width is not positive.
    """
    if not width > 0:
        raise UsageError(f"width: got {width}, expected a positive factor")
    return [max(1, round(planes * width)) for planes in channels]


def initialize_convolutions(model: nn.Module) -> None:
    """Draw the weights of every convolution as in He et al. 2015, *Delving Deep into Rectifiers*.

    Weights are normal with variance 2 / (inputs of a filter).
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
