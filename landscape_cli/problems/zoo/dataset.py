"""The zoo's type of dataset, and the standardization that its data modules share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import TensorDataset


@dataclass(frozen=True)
class DataSet:
    """Square images with class labels, in named splits.

    Args:
        splits: by name, the images, float32 of shape (n, channels, size, size), and the labels,
            int64 of shape (n,).
        channels: number of channels of an image.
        size: height and width of an image in pixels.
        classes: number of classes.
    """

    splits: dict[str, TensorDataset]
    channels: int
    size: int
    classes: int


def images_and_labels(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], mean: list[float], std: list[float]
) -> TensorDataset:
    """Standardize images with the mean and standard deviation of each channel.

    Args:
        images: pixels of shape (n, channels, height, width).
        labels: class labels of shape (n,).
        mean: mean of each channel, in the unit of the pixels.
        std: standard deviation of each channel, in the same unit.

    Returns:
        The images as float32 of the same shape, and the labels as int64.
    """
    pixels = torch.from_numpy(images).to(torch.float32)
    pixels.sub_(_per_channel(mean)).div_(_per_channel(std))
    return TensorDataset(pixels, torch.from_numpy(labels).to(torch.int64))


def _per_channel(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).reshape(-1, 1, 1)
