"""Scikit-learn's handwritten digits: small enough to train on in a minute without a GPU."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import ProblemError
from landscape_cli.problems.zoo.dataset import DataSet, images_and_labels

TRAIN = 1437
"""Number of training images."""


def load() -> DataSet:
    """Load the 1797 digits, divided by a fixed permutation into 1437 training and 360 test images.

    The images, of shape (n, 1, 8, 8), are standardized with the mean and standard deviation of all
    training pixels. The data come with scikit-learn; nothing is downloaded.

    Raises:
        ProblemError: if scikit-learn is not installed.

    References:
        Alpaydin and Kaynak 1998, *Optical Recognition of Handwritten Digits*, UCI repository.
    """
    table = _table().astype(np.uint8)
    images, labels = table[:, :-1].reshape(-1, 1, 8, 8), table[:, -1]
    order = np.random.RandomState(0).permutation(len(labels))
    parts = {"train": order[:TRAIN], "test": order[TRAIN:]}
    pixels = images[parts["train"]].astype(np.float64)
    mean, std = [float(pixels.mean())], [float(pixels.std())]
    splits = {
        name: images_and_labels(images[rows], labels[rows], mean, std)
        for name, rows in parts.items()
    }
    return DataSet(splits, channels=1, size=8, classes=10)


def _table() -> NDArray[Any]:
    """Read the pixels and the label of each digit, float64 of shape (1797, 65).

    Scikit-learn's file is read without importing scikit-learn, which takes a second.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if path.is_file():
            return np.loadtxt(path, delimiter=",")
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ProblemError(
            f"data digits: needs scikit-learn ({error}); pip install 'landscape-cli[zoo]'"
        ) from None
    pixels, labels = load_digits(return_X_y=True)
    return np.column_stack([pixels, labels])
