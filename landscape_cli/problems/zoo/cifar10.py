"""CIFAR-10 from its published Python batches."""

from __future__ import annotations

import io
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import ProblemError
from landscape_cli.problems.zoo.dataset import DataSet, images_and_labels

FOLDER, ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"
FILES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
NAMES = [name for names in FILES.values() for name in names]
MEAN, STD = [125.3, 123.0, 113.9], [63.0, 62.1, 66.7]
REMEDY = (
    "get cifar-10-python.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html and give its "
    "folder in data_args"
)
ALLOWED = {
    (module, name)
    for core in ("numpy.core", "numpy._core")
    for module, name in [
        (f"{core}.multiarray", "_reconstruct"),
        (f"{core}.numeric", "_frombuffer"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    ]
}


def load(folder: str = "data") -> DataSet:
    """Load the 50000 training and 10000 test photographs.

    The images, of shape (n, 3, 32, 32), are standardized with the channel means and standard
    deviations that Li et al. use.

    Args:
        folder: the folder cifar-10-batches-py, its parent, or the folder of the archive
            cifar-10-python.tar.gz.

    Raises:
        ProblemError: if a file is missing, damaged or not a CIFAR-10 batch.

    References:
        Krizhevsky 2009, *Learning Multiple Layers of Features from Tiny Images*; the constants
        are those of Li et al. 2018, *Visualizing the Loss Landscape of Neural Nets*.
    """
    files = _read_files(Path(folder))
    splits = {}
    for name, batches in FILES.items():
        parts = [_batch(*files[batch]) for batch in batches]
        images = np.concatenate([images for images, _ in parts])
        labels = np.concatenate([labels for _, labels in parts])
        splits[name] = images_and_labels(images, labels, MEAN, STD)
    return DataSet(splits, channels=3, size=32, classes=10)


def _read_files(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Read the path and bytes of each batch."""
    try:
        for place in (folder, folder / FOLDER):
            if (place / NAMES[0]).is_file():
                return {n: (str(place / n), (place / n).read_bytes()) for n in NAMES}
        if (folder / ARCHIVE).is_file():
            return _read_archive(folder / ARCHIVE)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise ProblemError(f"data cifar10: {folder}: {error}; {REMEDY}") from None
    raise ProblemError(
        f"data cifar10: found neither {NAMES[0]} nor {ARCHIVE} in {folder}; {REMEDY}"
    )


def _read_archive(path: Path) -> dict[str, tuple[str, bytes]]:
    files = {}
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            name = Path(member.name).name
            data = archive.extractfile(member) if name in NAMES else None
            if data is not None:
                files[name] = (f"{path}:{member.name}", data.read())
    missing = [name for name in NAMES if name not in files]
    if missing:
        raise ProblemError(f"{path}: lacks {', '.join(missing)}; {REMEDY}")
    return files


class _ArrayUnpickler(pickle.Unpickler):
    """Reads only plain values and NumPy arrays, so no code from the file is run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"refused to load {module}.{name}")
        return super().find_class(module, name)


def _batch(path: str, data: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Decode the images (n, 3, 32, 32) and labels (n,) of one file."""
    try:
        # Damaged pickles can raise almost any error.
        content = _ArrayUnpickler(io.BytesIO(data), encoding="bytes").load()
        pixels, labels = content[b"data"], np.asarray(content[b"labels"])
    except Exception as error:
        raise ProblemError(
            f"{path}: not a CIFAR-10 batch ({type(error).__name__}: {error}); {REMEDY}"
        ) from None
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2:
        raise ProblemError(f"{path}: its data are not a matrix of bytes; {REMEDY}")
    if pixels.shape[1] != 3072 or labels.shape != pixels.shape[:1] or labels.dtype.kind not in "iu":
        raise ProblemError(
            f"{path}: data {pixels.shape} and labels {labels.shape}, expected (n, 3072) bytes and "
            f"(n,) whole numbers; {REMEDY}"
        )
    if labels.size and not 0 <= labels.min() <= labels.max() <= 9:
        raise ProblemError(
            f"{path}: labels from {labels.min()} to {labels.max()}, expected 0 to 9; {REMEDY}"
        )
    return pixels.reshape(-1, 3, 32, 32), labels.astype(np.uint8)
