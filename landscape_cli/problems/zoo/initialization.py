"""What the convolutional networks begin training with."""

from __future__ import annotations

from torch import nn


def initialize_convolutions(model: nn.Module) -> None:
    """Draw the weights of every convolution as in He et al. 2015, *Delving Deep into Rectifiers*.

    They are normal with variance 2 / (inputs of a filter).
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
