"""Densely connected networks for small images."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from landscape_cli.errors import UsageError
from landscape_cli.problems.zoo.convolutional import initialize_convolutions

BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
"""By depth, the number of layers in each of the four blocks of the ImageNet networks."""


class Bottleneck(nn.Module):
    """A 1x1 and a 3x3 convolution that prepend ``growth`` channels to those of the input."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, growth + inputs, h, w)."""
        hidden = self.conv1(functional.relu(self.bn1(images)))
        hidden = self.conv2(functional.relu(self.bn2(hidden)))
        return torch.cat([hidden, images], dim=1)


class Transition(nn.Module):
    """A 1x1 convolution that halves the channels, and an average over 2x2 pixels."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(inputs)
        self.conv = nn.Conv2d(inputs, inputs // 2, 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, inputs // 2, h // 2, w // 2)."""
        return functional.avg_pool2d(self.conv(functional.relu(self.bn(images))), 2)


class DenseNet(nn.Module):
    """DenseNet-BC for images of at least 8x8 pixels.

    A 3x3 convolution to 2 * growth channels, dense blocks of bottlenecks separated by transitions,
    a global average and a linear layer. Parameters are named as in Li et al.'s published
    DenseNet-121, so its checkpoint loads.

    Args:
        depth: number of weight layers: 6n+4, such as 40 or 100, for three blocks of n bottlenecks;
            or 121, 169 or 201 for the four blocks of the ImageNet networks.
        growth: channels that each bottleneck adds; 32 in DenseNet-121.
        channels: channels of the input images.
        classes: number of outputs.

    Raises:
        UsageError: if the depth is invalid, or growth is not a positive integer.

    References:
        Huang et al. 2017, *Densely Connected Convolutional Networks*, section 3 and table 1.
    """

    def __init__(
        self, depth: int = 40, growth: int = 12, channels: int = 3, classes: int = 10
    ) -> None:
        super().__init__()
        blocks = BLOCKS.get(depth, ((depth - 4) // 6,) * 3)
        if blocks[0] < 1 or depth != 2 * sum(blocks) + len(blocks) + 1:
            known = ", ".join(map(str, BLOCKS))
            raise UsageError(f"depth: got {depth}, expected 6n+4, such as 40, or one of {known}")
        if type(growth) is not int or growth < 1:
            raise UsageError(f"growth: got {growth!r}, expected a positive integer")
        self.depth, self.growth = depth, growth
        planes = 2 * growth
        self.conv1 = nn.Conv2d(channels, planes, 3, padding=1, bias=False)
        self._order: list[str] = []
        for number, layers in enumerate(blocks, 1):
            block = nn.Sequential(*(Bottleneck(planes + i * growth, growth) for i in range(layers)))
            self._append(f"dense{number}", block)
            planes += layers * growth
            if number < len(blocks):
                self._append(f"trans{number}", Transition(planes))
                planes //= 2
        self.bn = nn.BatchNorm2d(planes)
        self.linear = nn.Linear(planes, classes)
        initialize_convolutions(self)

    def _append(self, name: str, stage: nn.Module) -> None:
        self.add_module(name, stage)
        self._order.append(name)

    @property
    def title(self) -> str:
        """Name of the network in plots, such as "DenseNet-40, growth 12"."""
        return f"DenseNet-{self.depth}, growth {self.growth}"

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, h, w) to logits (n, classes)."""
        hidden = self.conv1(images)
        for name in self._order:
            hidden = getattr(self, name)(hidden)
        hidden = functional.relu(self.bn(hidden)).mean(dim=(2, 3))
        return cast(Tensor, self.linear(hidden))
