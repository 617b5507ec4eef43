"""VGG networks for small images, with batch norm."""

from __future__ import annotations

from math import isqrt
from typing import cast

from torch import Tensor, nn

from landscape_cli.errors import UsageError
from landscape_cli.problems.zoo.convolutional import initialize_convolutions, scale_channels

STAGES = {
    9: [(64, 2), (128, 2), (256, 3)],
    16: [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)],
    19: [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)],
}
"""By depth, (channels, number of convolutions) of each stage."""


class VGG(nn.Module):
    """Stages of 3x3 convolutions that end in a 2x2 max pool, then two linear layers.

    Every convolution, and the hidden linear layer, is followed by batch norm and a ReLU. The hidden
    layer has as many outputs as the last convolution. Parameters are named as in Li et al.'s
    published networks, so their checkpoints load.

    Args:
        depth: 9, 16 or 19. VGG-9 has seven convolutions and two linear layers; 16 and 19 keep the
            names of the original networks, which end in three linear layers.
        width: factor on the channels of all layers.
        channels: channels of the input images.
        classes: number of outputs.
        inputs: number of elements of one square image, channels * size**2.

    Raises:
        UsageError: if the depth is unknown, the width is not positive, or the image is not square.

    References:
        Simonyan and Zisserman 2015, *Very Deep Convolutional Networks for Large-Scale Image
        Recognition*, table 1; VGG-9: Li et al. 2018, *Visualizing the Loss Landscape of Neural
        Nets*, section 3.
    """

    def __init__(
        self,
        depth: int = 9,
        width: float = 1,
        channels: int = 3,
        classes: int = 10,
        inputs: int = 3072,
    ) -> None:
        super().__init__()
        if depth not in STAGES:
            known = ", ".join(map(str, STAGES))
            raise UsageError(f"depth: got {depth}, expected one of {known}")
        channels_of_stages = scale_channels((planes for planes, _ in STAGES[depth]), width)
        size = isqrt(inputs // channels)
        if size * size * channels != inputs:
            raise UsageError(f"inputs: got {inputs}, expected {channels} * size**2 elements")
        self.depth, self.width = depth, width
        layers: list[nn.Module] = []
        before = channels
        for after, (_, convolutions) in zip(channels_of_stages, STAGES[depth], strict=True):
            for _ in range(convolutions):
                layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
                before = after
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
            size = (size + 1) // 2
        self.features = nn.Sequential(*layers)
        hidden = nn.Linear(before * size * size, before)
        self.fc = nn.Sequential(hidden, nn.BatchNorm1d(before), nn.ReLU())
        self.classifier = nn.Linear(before, classes)
        initialize_convolutions(self)

    @property
    def title(self) -> str:
        """Name of the network in plots, such as "VGG-9, width 0.25"."""
        return f"VGG-{self.depth}{'' if self.width == 1 else f', width {self.width:g}'}"

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, channels, size, size) to logits (n, classes)."""
        return cast(Tensor, self.classifier(self.fc(self.features(images).flatten(1))))
