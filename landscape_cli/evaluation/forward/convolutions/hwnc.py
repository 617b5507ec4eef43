"""Convolutions of small images in bfloat16, whose samples lie side by side in memory.

A processor multiplies a row of pixels at a time, and a short row takes hardly less time than a long
one. In the memory order HWNC (height, width, sample, channel) the pixels of all samples at a place
form a row, however small the images are: a convolution of N samples is then one of a single image
in three dimensions, of which the last is N and the kernel's third size is 1. Shapes are as ever, so
whatever else a network does to its tensors keeps its meaning. In float32 PyTorch has no fast kernel
for this.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Layout:
    """The convolutions of a model that can compute in the memory order HWNC.

    Args:
        model: the model.

    Attributes:
        convolutions: the modules.
    """

    def __init__(self, model: nn.Module) -> None:
        self.convolutions: list[Any] = [one for one in model.modules() if _suits(one)]
        self.attached = False

    def __len__(self) -> int:
        return len(self.convolutions)

    def attach(self) -> None:
        """Let the convolutions compute in this order."""
        for one in self.convolutions:
            one.forward = Convolution(one)
        self.attached = True

    def detach(self) -> None:
        """Let them compute as they do by themselves."""
        for one in self.convolutions:
            del one.forward
        self.attached = False


def _suits(module: nn.Module) -> bool:
    """Tell whether a module is a plain convolution of images with zeros around them."""
    return (
        type(module) is nn.Conv2d
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
        and "forward" not in vars(module)
    )


class Convolution:
    """The forward pass of a convolution, in the memory order HWNC if it computes in bfloat16.

    Args:
        module: an ``nn.Conv2d`` with zeros around its images.

    Example:
        >>> module = nn.Conv2d(3, 4, 3, padding=1, dtype=torch.bfloat16)
        >>> images = torch.ones(5, 3, 8, 8, dtype=torch.bfloat16)
        >>> torch.equal(Convolution(module)(images), module(images))
        True
    """

    def __init__(self, module: Any) -> None:
        self._module = module
        size = (*module.stride, 1), (*module.padding, 0), (*module.dilation, 1)
        self._options: Any = (*size, module.groups)

    def __call__(self, images: Tensor) -> Tensor:
        """Compute the convolution of images of shape (n, c, h, w), in any memory order."""
        weight, bias = self._module.weight, self._module.bias
        if not _narrow(images) or images.dim() != 4 or not images.numel():
            found: Tensor = self._module._conv_forward(images, weight, bias)
            return found
        n, c, height, width = images.shape
        row = width * n * c
        if images.stride() != (c, 1, row, n * c):
            images = images.permute(2, 3, 0, 1).contiguous()
        # Strides are given in full: those of dimensions of size 1 decide whether PyTorch copies.
        cube = images.as_strided((1, c, height, width, n), (height * row, 1, row, n * c, c))
        found = torch.conv3d(cube, _arranged(weight), bias, *self._options)
        _, c, height, width, n = found.shape
        row = width * n * c
        if found.stride()[1:] != (1, row, n * c, c):
            return found.select(0, 0).permute(3, 0, 1, 2)
        return found.as_strided((n, c, height, width), (c, 1, row, n * c))


def _arranged(weight: Tensor) -> Tensor:
    """Return a kernel (o, i, h, w) as one of shape (o, i, h, w, 1), in the order O, H, W, I."""
    taps = weight.permute(0, 2, 3, 1).contiguous()
    outputs, tall, wide, inputs = taps.shape
    strides = tall * wide * inputs, 1, wide * inputs, inputs, inputs
    return taps.as_strided((outputs, inputs, tall, wide, 1), strides)


def _narrow(images: Tensor) -> bool:
    """Tell whether a convolution of images is computed in bfloat16."""
    if torch.is_autocast_enabled("cpu"):
        return torch.get_autocast_dtype("cpu") == torch.bfloat16
    return images.dtype == torch.bfloat16
