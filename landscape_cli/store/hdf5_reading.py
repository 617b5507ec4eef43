"""HDF5 files that others have made, or damaged, opened and read with clean errors."""

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
"""How many times its stored bytes an array can have: deflate reaches 1032."""


DAMAGED = (
    *(OSError, RuntimeError, UsageError, yaml.YAMLError),
    *(KeyError, ValueError, TypeError, AttributeError, OverflowError),
)
"""What reading raises where a file is not as it was written."""


@contextmanager
def reading(path: str | os.PathLike[str], kind: str) -> Iterator[h5py.File]:
    """Open a file for reading, and say that it is damaged where reading it fails.

    Args:
        path: the file.
        kind: what it should be, such as "surface file".

    Raises:
        StoreError: if there is no such file, or it is damaged.
    """
    with open_file(path) as file:
        try:
            yield file
        except DAMAGED as error:
            raise StoreError(f"{os.fspath(path)}: a damaged {kind} ({reason(error)})") from None


def open_file(path: str | os.PathLike[str]) -> h5py.File:
    """Open a file for reading, without a lock.

    Raises:
        StoreError: if there is no such file, or HDF5 can't read it.
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
    """The numbers of a data set, in this machine's byte order.

    Raises:
        ValueError: if it is no data set of numbers, or by its shape larger than the file can hold.
    """
    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"{getattr(dataset, 'name', None)} is no data set")
    if dataset.dtype.kind not in "fiub":
        raise ValueError(f"{dataset.name} holds no numbers, but {dataset.dtype}")
    held = min(dataset.id.get_storage_size(), dataset.file.id.get_filesize())
    if dataset.nbytes > LARGEST_RATIO * held:
        raise ValueError(f"{dataset.name} has shape {dataset.shape}, more than the file holds")
    array = np.asarray(dataset[()])
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def text(owner: Any, attribute: str | None = None) -> str:
    """A string: an attribute's of a file, group or data set, or a data set's own.

    Raises:
        KeyError: if there is no such attribute.
        ValueError: if it is no string. HDF5 crashes where others are damaged.
    """
    stored = owner.id if attribute is None else owner.attrs.get_id(attribute)
    if stored.get_type().get_class() != h5py.h5t.STRING:
        raise ValueError(f"{attribute or owner.name} is no text")
    value = owner[()] if attribute is None else owner.attrs[attribute]
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
