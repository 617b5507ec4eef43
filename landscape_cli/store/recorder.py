"""Recorder of a growing surface: arrays in rank 0's memory, published as complete files."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.grid import Grid
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status, TileResult
from landscape_cli.store.atomic_write import Check, rescue, unchecked
from landscape_cli.store.surface_file import write_surface

logger = logging.getLogger(__name__)

SHORTEST_INTERVAL, LONGEST_INTERVAL = 1.0, 2.0
"""Seconds between publications of a file that is quick to write."""

LARGEST_SHARE, LARGEST_SHARE_AT_LAST = 0.02, 0.2
"""Upper bounds on the fraction of time spent publishing; the second applies where the first would
mean an interval above ``LONGEST_INTERVAL``."""

SLOW = 1.0
"""Seconds for writing one file above which the user is warned, once."""

LONGEST_PAUSE = 60.0
"""Upper bound in seconds on the pause between attempts to write a file."""

LAST_TRIES = (0.0, 1.0, 2.0, 4.0)
"""Pause in seconds before each attempt of the last publication."""


class Recorder:
    """Collects tile results and publishes the surface's file at intervals.

    The file is published every second, or up to every two seconds to keep publishing below 2 % of
    the time; less often only if writing takes 0.4 s or more. ``done`` of ``total`` points are
    finished.

    A file that temporarily can't be written, for example on a full disk, does not stop the run:
    writing is retried after ever longer pauses, and at the end in another folder.

    Args:
        path: the surface's file.
        surface: the surface to continue, or one from ``empty_surface``. Its points that failed, or
            were interpolated before it was complete, are computed again.
        warn: receives a message when the file can't be written, and when it can again.
        check: called before each replacement of the file; raises to prevent it.
        part: the shard whose points are computed; None for all points.
    """

    def __init__(
        self,
        path: str | Path,
        surface: Surface,
        warn: Callable[[str], None] = lambda text: None,
        check: Check = unchecked,
        part: Shard | None = None,
    ) -> None:
        self.path = Path(path)
        self._warn = warn
        self._check = check
        self._own = own_points(surface.grid, part)
        self.total = int(self._own.sum())
        self._failing = self._slow = False
        self._values, self._stderr = dict(surface.values), dict(surface.stderr)
        self._samples = dict(surface.samples)
        self.surface = replace(
            surface, values=self._values, stderr=self._stderr, samples=self._samples
        )
        self.done = 0
        self.forget(np.isin(surface.status, (Status.FAILED, Status.INTERPOLATED)))
        self._failures: dict[int, str] = {}
        self._interval = SHORTEST_INTERVAL
        self._published = float("-inf")

    @property
    def todo(self) -> NDArray[np.int64]:
        """Flat indices of this run's points that have no result yet."""
        return np.flatnonzero(self._own & (self.surface.status == Status.TODO))

    def forget(self, points: NDArray[np.bool_]) -> None:
        """Forget the values of points, which are then to do.

        Args:
            points: a mask over the grid.
        """
        for array in (*self._values.values(), *self._stderr.values()):
            array[points] = np.nan
        for numbers in self._samples.values():
            numbers[points] = 0
        self.surface.status[points] = Status.TODO
        self.done = self._count()

    def add(self, result: TileResult) -> None:
        """Record the values of a tile."""
        index = np.array(result.indices)
        for arrays, added in (
            (self._values, result.values),
            (self._stderr, result.stderr),
        ):
            for quantity, values in added.items():
                if quantity not in arrays:
                    arrays[quantity] = np.full(self.surface.grid.shape, np.nan)
                arrays[quantity].ravel()[index] = values
        for split, samples in result.samples.items():
            if split not in self._samples:
                self._samples[split] = np.zeros(self.surface.grid.shape, np.int32)
            self._samples[split].ravel()[index] = samples
        self.done += int(np.count_nonzero(self.surface.status.ravel()[index] == Status.TODO))
        self.surface.status.ravel()[index] = result.status
        self.surface.seconds.ravel()[index] = result.seconds
        self.surface.rank.ravel()[index] = result.rank
        if result.early:
            self.note("sampled", _with_checked(self.surface.provenance["sampled"], result))
        if result.failures:
            self._failures |= result.failures
            self.note("failures", _by_message(self._failures))

    def interpolate(
        self,
        points: NDArray[np.bool_],
        values: Mapping[Quantity, NDArray[np.float64]],
        stderr: Mapping[Quantity, NDArray[np.float64]],
    ) -> None:
        """Record interpolated values, replacing earlier ones.

        Args:
            points: a mask over the grid that selects the interpolated points.
            values: means, over the whole grid.
            stderr: their standard errors, over the whole grid.
        """
        for arrays, added in ((self._values, values), (self._stderr, stderr)):
            for quantity, array in added.items():
                arrays[quantity][points] = array[points]
        self.surface.status[points] = Status.INTERPOLATED
        self.done = self._count()

    def note(self, key: str, facts: Any) -> None:
        """Add an entry to the file's provenance."""
        self.surface = replace(self.surface, provenance={**self.surface.provenance, key: facts})

    def publish(self) -> None:
        """Write the file now.

        Raises:
            StoreError: if the file can't be written.
        """
        start = time.monotonic()
        write_surface(self.path, self.surface, self._check)
        self._published = time.monotonic()
        took = self._published - start
        self._interval = interval(took)
        logger.debug("published %s with %d points in %.3f s", self.path.name, self.done, took)
        if self._failing:
            self._failing = False
            self._warn(f"{self.path} can be written again")
        if took > SLOW and not self._slow:
            self._slow = True
            self._warn(
                f"{self.path} took {took:.1f} s to write, so it is written only about every "
                f"{self._interval:.0f} s; a killed run loses that much work. Choose an --output on "
                "a faster disk if there is one"
            )

    @property
    def due_in(self) -> float:
        """Seconds until the file may be written again; 0 if it may be now."""
        return max(0.0, self._published + self._interval - time.monotonic())

    def publish_if_due(self) -> bool:
        """Write the file if the interval has passed; if that fails, warn and retry later.

        Returns:
            Whether the file was written.
        """
        if self.due_in:
            return False
        try:
            self.publish()
            return True
        except StoreError as error:
            self._published = time.monotonic()
            self._interval = min(2 * self._interval, LONGEST_PAUSE)
            self._failing = True
            self._warn(f"{error}; computing continues, the next attempt is in {self._interval:g} s")
            return False

    def finish(self) -> None:
        """Write the file for the last time, if necessary as a rescue file in the current folder.

        Raises:
            PublishError: if the file itself can't be written; the message says where the values
                are.
        """
        for pause in LAST_TRIES:
            time.sleep(pause)
            try:
                return self.publish()
            except StoreError as error:
                failure = error
        raise rescue(self.path, failure, lambda path: write_surface(path, self.surface))

    def _count(self) -> int:
        return int(np.count_nonzero(self.surface.status[self._own]))


def own_points(grid: Grid, part: Shard | None) -> NDArray[np.bool_]:
    """Mask of the grid points that a run computes: those of its shard, or all."""
    if part is None:
        return np.ones(grid.shape, dtype=bool)
    return part.points(grid.shape, grid.repeated)


def _with_checked(facts: Mapping[str, Any], result: TileResult) -> dict[str, Any]:
    """Add held-out points that could have stopped early to the checked ones, in their order."""
    checked = facts.get("checked", {"points": [], "values": {}})
    values = {
        name: dict(zip(checked["points"], known, strict=True))
        for name, known in checked["values"].items()
    }
    for key, means in result.early.items():
        known = values.setdefault("/".join(key), {})
        for index, mean in zip(result.indices, means.tolist(), strict=True):
            if not math.isnan(mean):
                known[index] = mean
    points = sorted(set().union(*values.values()))
    lists = {name: [known[point] for point in points] for name, known in values.items()}
    return {**facts, "checked": {"points": points, "values": lists, "held_out": True}}


def _by_message(failures: Mapping[int, str]) -> list[dict[str, Any]]:
    """List each failure message once, with the flat indices of its points."""
    points: dict[str, list[int]] = {}
    for index, message in sorted(failures.items()):
        points.setdefault(message, []).append(index)
    return [{"message": message, "points": indices} for message, indices in points.items()]


def interval(seconds: float) -> float:
    """Seconds between publications, given the seconds that writing the file takes."""
    cheap = max(SHORTEST_INTERVAL, seconds / LARGEST_SHARE)
    return max(min(cheap, LONGEST_INTERVAL), seconds / LARGEST_SHARE_AT_LAST)


def empty_surface(grid: Grid, config: Mapping[str, Any], provenance: Mapping[str, Any]) -> Surface:
    """Create a surface with every point to do; the first result adds its quantities."""
    return Surface(
        grid=grid,
        values={},
        stderr={},
        status=np.zeros(grid.shape, np.uint8),
        seconds=np.zeros(grid.shape, np.float32),
        rank=np.full(grid.shape, -1, np.int32),
        config=config,
        provenance=provenance,
    )
