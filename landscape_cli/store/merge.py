"""Surfaces of one grid and configuration, each with some of the points, become one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.config.comparison import compare, differences
from landscape_cli.errors import StoreError
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.store.recorder import own_points

STANDING = np.array([0, 2, 2, 1, 0], dtype=np.uint8)
"""Which status goes before which, by its number: a value before a failure before nothing."""

SAME_FACTS = ("network", "directions", "splits", "settings", "dtypes")
"""What of the provenance decides the values; so does the checkpoint, by its content."""

Named = tuple[str, Surface]
Arrays = Mapping[Quantity, NDArray[np.float64]]


@dataclass(frozen=True)
class Gap:
    """What of a shard a merged surface lacks.

    Args:
        shard: which one.
        missing: how many of its points are left to do.
        given: whether its file was among those merged.
    """

    shard: Shard
    missing: int
    given: bool


def merge_surfaces(files: Sequence[Named]) -> Surface:
    """One surface with every point that any of several files has.

    Args:
        files: the surfaces with the names of their files; at least one.

    Returns:
        The surface, with the first one's configuration and provenance, and the runs of all.

    Raises:
        StoreError: if they differ in what decides the values, are adaptive, or have different
            values at some point.
    """
    for file in files:
        _check_alike(files[0], file)
    merged = reduce(_add, files[1:], _copy(files[0][1]))
    runs: list[Any] = []
    for _, surface in files:
        runs += [run for run in surface.provenance.get("runs", []) if run not in runs]
    kept = {key: fact for key, fact in merged.provenance.items() if key not in ("shard", "runs")}
    return replace(
        merged,
        config={**merged.config, "shard": None} if "shard" in merged.config else merged.config,
        provenance={**kept, "runs": runs},
    )


def gaps(merged: Surface, files: Sequence[Named]) -> list[Gap]:
    """The shards of which points are missing; none if the files are not all shards of one N."""
    given = {Shard.of_file(surface.provenance) for _, surface in files} - {None}
    counts = {shard.of for shard in given if shard is not None}
    todo = merged.status == Status.TODO
    if len(counts) != 1 or not todo.any():
        return []
    (of,) = counts
    shards = [Shard(index, of) for index in range(1, of + 1)]
    missing = [int(todo[own_points(merged.grid, shard)].sum()) for shard in shards]
    return [
        Gap(shard, count, shard in given)
        for shard, count in zip(shards, missing, strict=True)
        if count
    ]


def _check_alike(first: Named, other: Named) -> None:
    """Refuse a file that was not made like the first.

    Raises:
        StoreError: naming the file and the keys.
    """
    (name, one), (path, surface) = first, other
    if surface.config.get("adaptive") is not None:
        raise StoreError(
            f"{path}: adaptive runs choose their points themselves; merge files of runs without it"
        )
    places = (f"in {name}", f"in {path}")
    lines = differences(one.config, surface.config, places)
    if not lines and one.grid != surface.grid:
        lines.append(f"axes: others in {path} than in {name}")
    for key, old, new in _facts(one.provenance, surface.provenance):
        lines += compare(key, old, new, places)
    if lines:
        raise StoreError(
            f"{path}: made with another configuration than {name} ({'; '.join(lines)}); merge "
            "files of one configuration"
        )


def _facts(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Key and both values of what decides the values, as far as the configuration does not."""
    old, new = ((facts.get("checkpoint") or {}).get("sha256") for facts in (one, other))
    yield "checkpoint (sha256)", old, new
    for key in SAME_FACTS:
        yield key, one.get(key), other.get(key)


def _copy(surface: Surface) -> Surface:
    """The surface in arrays of its own."""
    return replace(
        surface,
        values={key: array.copy() for key, array in surface.values.items()},
        stderr={key: array.copy() for key, array in surface.stderr.items()},
        status=surface.status.copy(),
        seconds=surface.seconds.copy(),
        rank=surface.rank.copy(),
    )


def _add(merged: Surface, other: Named) -> Surface:
    """Take in what another file has and this surface has not."""
    path, surface = other
    for name in ("values", "stderr"):
        _check_values(path, name, merged, surface)
    better = STANDING[surface.status] > STANDING[merged.status]
    for name in ("status", "seconds", "rank"):
        getattr(merged, name)[better] = getattr(surface, name)[better]
    return replace(
        merged,
        values=_combined(merged.values, surface.values, better),
        stderr=_combined(merged.stderr, surface.stderr, better),
    )


def _combined(old: Arrays, new: Arrays, better: NDArray[np.bool_]) -> Arrays:
    arrays = {**old}
    for key, array in new.items():
        base = arrays.get(key)
        arrays[key] = np.where(better, array, np.nan if base is None else base)
    return arrays


def _check_values(path: str, name: str, merged: Surface, surface: Surface) -> None:
    """Refuse values that are not the same bits where both files have the point."""
    both = (STANDING[merged.status] == 2) & (STANDING[surface.status] == 2)
    old, new = getattr(merged, name), getattr(surface, name)
    for key in sorted({*old, *new}) if both.any() else ():
        empty = np.full(both.shape, np.nan)
        one, other = old.get(key, empty), new.get(key, empty)
        equal = (one.view(np.int64) == other.view(np.int64)) | (np.isnan(one) & np.isnan(other))
        apart = np.flatnonzero(both & ~equal)
        if len(apart):
            point = surface.grid.coordinates([int(apart[0])])[0]
            where = coordinates_text(point, surface.grid.repeated)
            raise StoreError(
                f"{path}: {' '.join(key)} ({name}) at {where} is "
                f"{float(other.ravel()[apart[0]])!r}, but {float(one.ravel()[apart[0]])!r} in the "
                f"files before ({len(apart)} such points); leave out the file that is wrong"
            )
