"""Fashion-MNIST, or any dataset in the form of MNIST's four IDX files."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import ProblemError
from landscape_cli.problems.zoo.dataset import DataSet, images_and_labels

DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
REMEDY = (
    "get the four files with 'apt install dataset-fashion-mnist' or from "
    "https://github.com/zalandoresearch/fashion-mnist, and give their folder in data_args"
)


def load(folder: str = DEBIAN_FOLDER) -> DataSet:
    """Load the 60000 training and 10000 test images of clothing.

    The images, of shape (n, 1, 28, 28), are standardized with the mean and standard deviation of
    all training pixels.

    Args:
        folder: the folder of the four IDX files, plain or with ``.gz``; by default that of the
            Debian package dataset-fashion-mnist.

    Raises:
        ProblemError: if a file is missing, damaged or inconsistent with the others.

    References:
        Xiao, Rasul and Vollgraf 2017, *Fashion-MNIST: a Novel Image Dataset for Benchmarking
        Machine Learning Algorithms*.
    """
    raw = {name: _read_split(Path(folder), *files) for name, files in FILES.items()}
    size = raw["train"][0].shape[-1]
    for name, (images, _) in raw.items():
        if images.shape[1:] != (1, size, size):
            raise ProblemError(
                f"{Path(folder) / FILES[name][0]}: images have shape {images.shape[2:]}, "
                f"expected {(size, size)} as in the training images; {REMEDY}"
            )
    mean, std = _mean_and_std(raw["train"][0])
    splits = {name: images_and_labels(*arrays, [mean], [std]) for name, arrays in raw.items()}
    return DataSet(splits, channels=1, size=size, classes=10)


def _read_split(
    folder: Path, images: str, labels: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pixels = read_idx(_find(folder, images), dimensions=3)
    classes = read_idx(_find(folder, labels), dimensions=1)
    if len(pixels) != len(classes) or not len(pixels):
        raise ProblemError(
            f"{folder / labels}: {len(classes)} labels for {len(pixels)} images in {images}; "
            f"{REMEDY}"
        )
    if classes.max() > 9:
        raise ProblemError(
            f"{folder / labels}: contains the label {classes.max()}, expected 0 to 9; {REMEDY}"
        )
    return pixels[:, None], classes


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise ProblemError(f"{folder / name}[.gz]: no such file; {REMEDY}")


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of bytes: magic number, big-endian sizes, data.

    Args:
        path: the file, compressed if its name ends in ``.gz``.
        dimensions: the expected number of dimensions of the array.

    Raises:
        ProblemError: if the file is damaged or holds something else.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ProblemError(f"{path}: can't be read ({error}); {REMEDY}") from None
    header = 4 + 4 * dimensions
    magic = bytes([0, 0, 8, dimensions])
    if len(data) < header or data[:4] != magic:
        raise ProblemError(
            f"{path}: starts with {data[:4].hex()!r}, expected the IDX header {magic.hex()}; "
            f"{REMEDY}"
        )
    shape = struct.unpack(f">{dimensions}I", data[4:header])
    if len(data) - header != math.prod(shape):
        raise ProblemError(
            f"{path}: {len(data) - header} bytes of data do not fit the shape {shape}; {REMEDY}"
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape).copy()


def _mean_and_std(pixels: NDArray[np.uint8]) -> tuple[float, float]:
    """Mean and standard deviation of all pixels, from exact sums: the same on every machine."""
    total = int(pixels.sum(dtype=np.int64))
    squares = int(np.einsum("ncij,ncij->", pixels, pixels, dtype=np.int64))
    variance = (squares * pixels.size - total**2) / pixels.size**2
    return total / pixels.size, max(math.sqrt(variance), 1e-6)
