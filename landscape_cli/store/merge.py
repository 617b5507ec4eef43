"""Merging of surfaces that share a grid and configuration and each hold some of the points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.config.comparison import compare, differences
from landscape_cli.errors import StoreError
from landscape_cli.records.checkpoint_path import identity
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status
from landscape_cli.store.recorder import own_points

PRECEDENCE = np.array([0, 2, 2, 1, 0], dtype=np.uint8)
"""Precedence of each status, indexed by its number: a value over a failure over nothing."""

SAME_FACTS = ("network", "slice", "directions", "splits", "settings", "dtypes")
"""Provenance keys that determine the values, besides the checkpoint's hash."""

Named = tuple[str, Surface]
Arrays = Mapping[Quantity, NDArray[np.float64]]


@dataclass(frozen=True)
class Gap:
    """A shard of which a merged surface lacks points.

    Args:
        shard: the shard.
        missing: the number of its points still to do.
        given: whether its file was among those merged.
    """

    shard: Shard
    missing: int
    given: bool


def merge_surfaces(files: Sequence[Named]) -> Surface:
    """Merge surfaces into one with every point that any of them has.

    Args:
        files: the name and surface of each file; at least one.

    Returns:
        The surface, with the first file's configuration and provenance, and the runs of all files.

    Raises:
        StoreError: if the surfaces differ in settings that determine their values, are adaptive,
            or have different values at some point.
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
    """List the shards with missing points; none unless all files are shards of the same N."""
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
        StoreError: if anything that determines the values differs; the message names the keys.
    """
    (first_name, first_surface), (path, surface) = first, other
    for key, own in (("adaptive", "points"), ("sampling", "samples")):
        if surface.config.get(key) is not None:
            raise StoreError(
                f"{path}: runs with {key} choose their own {own}; merge only files of other runs"
            )
    places = (f"in {first_name}", f"in {path}")
    lines = differences(first_surface.config, surface.config, places)
    if not lines and first_surface.grid != surface.grid:
        lines.append(f"axes: different in {path} and {first_name}")
    for key, old, new in _facts(first_surface.provenance, surface.provenance):
        lines += compare(key, old, new, places)
    if lines:
        raise StoreError(
            f"{path}: made with a different configuration from {first_name} "
            f"({'; '.join(lines)}); merge only files of one configuration"
        )


def _facts(first: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield key and both values of provenance that determines a surface's values."""
    old, new = (identity(facts.get("checkpoint")) for facts in (first, other))
    yield "checkpoint (sha256)", old, new
    for key in SAME_FACTS:
        yield key, first.get(key), other.get(key)


def _copy(surface: Surface) -> Surface:
    """Copy a surface together with its arrays."""
    return replace(
        surface,
        values={key: array.copy() for key, array in surface.values.items()},
        stderr={key: array.copy() for key, array in surface.stderr.items()},
        status=surface.status.copy(),
        seconds=surface.seconds.copy(),
        rank=surface.rank.copy(),
    )


def _add(merged: Surface, other: Named) -> Surface:
    """Add the points that another file has and the merged surface lacks."""
    path, surface = other
    for name in ("values", "stderr"):
        _check_values(path, name, merged, surface)
    better = PRECEDENCE[surface.status] > PRECEDENCE[merged.status]
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
    """Refuse values that are not bit-identical where both surfaces have the point."""
    both = (PRECEDENCE[merged.status] == 2) & (PRECEDENCE[surface.status] == 2)
    old, new = getattr(merged, name), getattr(surface, name)
    for key in sorted({*old, *new}) if both.any() else ():
        empty = np.full(both.shape, np.nan)
        before, after = old.get(key, empty), new.get(key, empty)
        equal = before.view(np.int64) == after.view(np.int64)
        equal |= np.isnan(before) & np.isnan(after)
        unequal = np.flatnonzero(both & ~equal)
        if len(unequal):
            index = int(unequal[0])
            point = surface.grid.coordinates([index])[0]
            where = coordinates_text(point, surface.grid.repeated)
            raise StoreError(
                f"{path}: {' '.join(key)} ({name}) at {where} is {float(after.ravel()[index])!r}, "
                f"but {float(before.ravel()[index])!r} in the files before ({len(unequal)} such "
                "points); leave out the file that is wrong"
            )
