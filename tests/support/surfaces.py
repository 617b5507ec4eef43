"""Surfaces compared bit for bit, and files made incomplete."""

from pathlib import Path

import numpy as np

from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.store import read_surface, write_surface


def assert_same_bits(surface: Surface, other: Surface, also: tuple[str, ...] = ()) -> None:
    """Fail unless values, standard errors and status are equal: NaN equals NaN, -0.0 not 0.0.

    Args:
        surface: one surface.
        other: another.
        also: further arrays to compare, such as ``seconds``.
    """
    for group in ("values", "stderr"):
        mine, theirs = getattr(surface, group), getattr(other, group)
        assert list(mine) == list(theirs)
        for key, array in mine.items():
            assert array.dtype == theirs[key].dtype, (group, key)
            assert array.tobytes() == theirs[key].tobytes(), (group, key)
    for name in ("status", *also):
        mine, theirs = getattr(surface, name), getattr(other, name)
        assert mine.dtype == theirs.dtype, name
        assert mine.tobytes() == theirs.tobytes(), name


def forget(path: str | Path, points: slice | list[int] | np.ndarray, rank: int | None = None):
    """Make a file incomplete.

    Args:
        path: the file of a surface.
        points: flat indices of the points that are to do again.
        rank: who is said to have computed all points; as in the file if None.
    """
    surface = read_surface(path)
    surface.status.ravel()[points] = Status.TODO
    for array in [*surface.values.values(), *surface.stderr.values()]:
        array.ravel()[points] = np.nan
    if rank is not None:
        surface.rank[...] = rank
    write_surface(path, surface)
