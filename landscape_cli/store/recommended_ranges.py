"""Ranges that a file of directions recommends."""

from __future__ import annotations

import math
import os

from landscape_cli.errors import StoreError
from landscape_cli.store.hdf5_reading import open_file


def read_range(path: str | os.PathLike[str], axis: str) -> tuple[float, float] | None:
    """From where to where a grid along a file's direction should go.

    Args:
        path: a file whose root may have the attribute ``range_x``, [low, high], as those of
            ``landscape trajectory`` have.
        axis: the direction's name in the file.

    Returns:
        The ends, or None if the file does not say.

    Raises:
        StoreError: if the file can't be read, or the attribute is no range.
    """
    name = f"range_{axis}"
    with open_file(path) as file:
        if name not in file.attrs:
            return None
        try:
            low, high = (float(end) for end in file.attrs[name])
        except (OSError, RuntimeError, TypeError, ValueError):
            low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise StoreError(f"{os.fspath(path)}: attribute {name} is no range of two finite numbers")
    return low, high
