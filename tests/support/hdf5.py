"""HDF5 files edited as by other tools."""

from contextlib import contextmanager
from pathlib import Path

import h5py

from landscape_cli.store.hdf5.checksums import ATTRIBUTE


@contextmanager
def unsealed(path: str | Path):
    """Open a file for changes, after which it has no checksums, like one of earlier versions."""
    with h5py.File(path, "r+", libver=("v108", "v110"), locking=False) as file:
        file.attrs.pop(ATTRIBUTE, None)
        yield file
