"""Residual networks for small images, with and without their shortcuts."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from landscape_cli.errors import UsageError
from landscape_cli.problems.zoo.convolutional import initialize_convolutions, scale_channels


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm; the input is added unless ``shortcuts`` is False."""

    def __init__(self, inputs: int, outputs: int, stride: int, shortcuts: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module | None = None
        if shortcuts:
            self.shortcut = nn.Sequential()
            if stride != 1 or inputs != outputs:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
                )

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        hidden = functional.relu(self.bn1(self.conv1(images)))
        hidden = self.bn2(self.conv2(hidden))
        if self.shortcut is not None:
            hidden = hidden + self.shortcut(images)
        return functional.relu(hidden)


class ResNet(nn.Module):
    """CIFAR-style residual network of depth 6n+2 for images of any size.

    Three stages of n basic blocks with 16, 32 and 64 times ``width`` channels, a global average
    and a linear layer. A block that changes the shape has a 1x1 convolution as its shortcut.
    Parameters are named as in Li et al.'s published networks, so their checkpoints load.

    Args:
        depth: number of weight layers, 6n+2: 20, 32, 56, 110, ...
        width: factor on the channels of the three stages; the stem keeps 16 (fewer if width < 1).
        shortcuts: False removes all shortcuts.
        channels: channels of the input images.
        classes: number of outputs.

    Raises:
        UsageError: if the depth is not 6n+2, or the width is not positive.

    References:
        He et al. 2016, *Deep Residual Learning for Image Recognition*, section 4.2;
        Li et al. 2018, *Visualizing the Loss Landscape of Neural Nets*, section 5.
    """

    def __init__(
        self,
        depth: int = 20,
        width: float = 1,
        shortcuts: bool = True,
        channels: int = 3,
        classes: int = 10,
    ) -> None:
        super().__init__()
        blocks, remainder = divmod(depth - 2, 6)
        if blocks < 1 or remainder:
            raise UsageError(
                f"depth: got {depth}, expected 6n+2 with an integer n >= 1, such as 20 or 56"
            )
        self.depth, self.width, self.shortcuts = depth, width, shortcuts
        stages = scale_channels((16, 32, 64), width)
        planes = min(16, stages[0])
        self.conv1 = nn.Conv2d(channels, planes, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        stacks = []
        for outputs, stride in zip(stages, (1, 2, 2), strict=True):
            layers = []
            for block in range(blocks):
                layers.append(BasicBlock(planes, outputs, stride if block == 0 else 1, shortcuts))
                planes = outputs
            stacks.append(nn.Sequential(*layers))
        self.layer1, self.layer2, self.layer3 = stacks
        self.linear = nn.Linear(planes, classes)
        initialize_convolutions(self)

    @property
    def title(self) -> str:
        """Name of the network in plots, such as "ResNet-56, width 0.5, no shortcuts"."""
        width = "" if self.width == 1 else f", width {self.width:g}"
        return f"ResNet-{self.depth}{width}{'' if self.shortcuts else ', no shortcuts'}"

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, h, w) to logits (n, classes)."""
        hidden = functional.relu(self.bn1(self.conv1(images)))
        hidden = self.layer3(self.layer2(self.layer1(hidden)))
        return cast(Tensor, self.linear(hidden.mean(dim=(2, 3))))
