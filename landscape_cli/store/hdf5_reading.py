"""Reading of HDF5 files that may be foreign or damaged, with clean errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from numpy.typing import NDArray

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.store.atomic_write import reason
from landscape_cli.store.hdf5_damage import check_damage

LARGEST_RATIO = 1100
"""Upper bound on an array's size relative to its stored bytes; deflate reaches 1032."""

DAMAGED = (
    *(OSError, RuntimeError, UsageError, yaml.YAMLError),
    *(KeyError, ValueError, TypeError, AttributeError, OverflowError),
)
"""Errors that reading a damaged file raises."""


@contextmanager
def reading(path: str | os.PathLike[str], kind: str) -> Iterator[h5py.File]:
    """Open a file for reading, and report it as damaged if the block fails to read it.

    Args:
        path: the file.
        kind: the expected kind of file, such as "surface file", for messages.

    Raises:
        StoreError: if the file is missing or damaged.
    """
    with open_file(path) as file:
        try:
            yield file
        except DAMAGED as error:
            raise StoreError(f"{os.fspath(path)}: a damaged {kind} ({reason(error)})") from None


def open_file(path: str | os.PathLike[str]) -> h5py.File:
    """Open a file for reading, without a lock.

    Raises:
        StoreError: if the file is missing, or HDF5 can't read it.
    """
    if not Path(path).is_file():
        raise StoreError(f"{os.fspath(path)}: no such file")
    try:
        check_damage(path)
        return h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise StoreError(
            f"{os.fspath(path)}: not an HDF5 file, or a damaged one ({reason(error)})"
        ) from None


def numbers(dataset: Any) -> NDArray[Any]:
    """Read the numbers of a dataset, in this machine's byte order.

    Raises:
        ValueError: if it is not a dataset of numbers, or its shape is larger than the file can
            hold.
    """
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{getattr(dataset, 'name', None)} is not a dataset")
    if dataset.dtype.kind not in "fiub":
        raise ValueError(f"{dataset.name} holds no numbers (its type is {dataset.dtype})")
    stored = min(dataset.id.get_storage_size(), dataset.file.id.get_filesize())
    if dataset.nbytes > LARGEST_RATIO * stored:
        raise ValueError(f"{dataset.name} has shape {dataset.shape}, more than the file holds")
    array = np.asarray(dataset[()])
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def text(owner: Any, attribute: str | None = None) -> str:
    """Read a string from an attribute of a file, group or dataset, or from a dataset itself.

    The type is checked first: HDF5 crashes on damaged values of other variable-length types.

    Raises:
        KeyError: if there is no such attribute.
        ValueError: if it is not a string.
    """
    stored = owner.id if attribute is None else owner.attrs.get_id(attribute)
    if stored.get_type().get_class() != h5py.h5t.STRING:
        raise ValueError(f"{attribute or owner.name} is not text")
    value = owner[()] if attribute is None else owner.attrs[attribute]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
