"""Trial that locks, writes and reads back a small surface in a folder, as a run would."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landscape_cli.errors import StoreError
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.store.atomic_write import reason
from landscape_cli.store.locks.lock import Lock
from landscape_cli.store.recorder import empty_surface
from landscape_cli.store.surface_file import read_surface, write_surface


@dataclass(frozen=True)
class Trial:
    """Outcome of writing a small surface in a folder.

    Args:
        free: free bytes of its file system.
        seconds: time to publish a small file: writing, fsync, and replacing the previous one.
        warnings: warnings about locks there, as a run would print them.
    """

    free: int
    seconds: float
    warnings: list[str]


def try_folder(folder: Path) -> Trial:
    """Lock, write, replace and read back a small surface in a folder, then remove it.

    Raises:
        StoreError: if there is no such folder, or files in it can't be locked, written, replaced
            or read back.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder} is not a folder")
    path = folder.absolute() / f"landscape-doctor-{os.getpid()}.h5"
    warnings: list[str] = []
    try:
        with Lock(path, warnings.append) as lock:
            lock.take()
            begin = time.monotonic()
            for points in (2, 3):
                surface = empty_surface(Grid({"x": Axis(0, 1, points)}), {}, {})
                surface.seconds[:] = points
                write_surface(path, surface, lock.check)
            seconds = (time.monotonic() - begin) / 2
            if not np.array_equal(read_surface(path).seconds, surface.seconds):
                raise StoreError(f"{path} does not hold what was last written")
        return Trial(shutil.disk_usage(folder).free, seconds, warnings)
    except OSError as error:
        raise StoreError(f"can't use {folder}: {reason(error)}") from error
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"can't remove {path}: {reason(error)}") from error
