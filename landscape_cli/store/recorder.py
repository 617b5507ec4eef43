"""The surface while it grows: arrays in rank 0's memory, published as whole files."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import PublishError, StoreError
from landscape_cli.records.grid import Grid
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity, Status, TileResult
from landscape_cli.store.atomic_write import Check, unchecked
from landscape_cli.store.surface_file import write_surface

logger = logging.getLogger(__name__)

SHORTEST_INTERVAL, LONGEST_INTERVAL = 1.0, 2.0
LARGEST_SHARE, LARGEST_SHARE_AT_LAST = 0.02, 0.2
"""The part of the time for publishing, and what it may rise to for the longest interval's sake."""

SLOW = 1.0
"""Seconds for one file that a user is told of, once."""

LONGEST_PAUSE = 60.0
"""Seconds between tries to write a file that can't be written."""

LAST_TRIES = (0.0, 1.0, 2.0, 4.0)
"""The pauses in seconds before each try to publish for the last time."""


class Recorder:
    """Collects tile results and publishes the file now and then.

    A file is published every second, or every two if publishing would take more than 2 % of the
    time otherwise, and more seldom only where it takes 0.4 s and more. ``done`` counts the points
    of ``total`` that are no longer to do.

    A file that can't be written for the time being, on a full disk, say, stops nothing: writing is
    tried again after ever longer pauses, and at the end elsewhere.

    Args:
        path: the surface's file.
        surface: the surface to go on with; ``empty_surface`` gives one to begin with. Its points
            that failed, or were interpolated before it was complete, are to do again.
        warn: is told of files that can't be written, and can again.
        check: may object whenever the file is about to be replaced.
        part: whose points are to do; all if None.
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
        self.surface = replace(surface, values=self._values, stderr=self._stderr)
        again = np.isin(surface.status, (Status.FAILED, Status.INTERPOLATED))
        for array in (*self._values.values(), *self._stderr.values()):
            array[again] = np.nan
        surface.status[again] = Status.TODO
        self.done = self._count()
        self._failures: dict[int, str] = {}
        self._interval = SHORTEST_INTERVAL
        self._published = float("-inf")

    @property
    def todo(self) -> NDArray[np.int64]:
        """Flat indices of the points that have no result yet."""
        return np.flatnonzero(self._own & (self.surface.status == Status.TODO))

    def add(self, result: TileResult) -> None:
        """Take in the values of a tile."""
        index = np.array(result.indices)
        for arrays, found in (
            (self._values, result.values),
            (self._stderr, result.stderr),
        ):
            for quantity, values in found.items():
                if quantity not in arrays:
                    arrays[quantity] = np.full(self.surface.grid.shape, np.nan)
                arrays[quantity].ravel()[index] = values
        self.done += int(np.count_nonzero(self.surface.status.ravel()[index] == Status.TODO))
        self.surface.status.ravel()[index] = result.status
        self.surface.seconds.ravel()[index] = result.seconds
        self.surface.rank.ravel()[index] = result.rank
        if result.failures:
            self._failures |= result.failures
            self.note("failures", _by_message(self._failures))

    def interpolate(
        self,
        points: NDArray[np.bool_],
        values: Mapping[Quantity, NDArray[np.float64]],
        stderr: Mapping[Quantity, NDArray[np.float64]],
    ) -> None:
        """Take in values that were not computed, over what was interpolated before.

        Args:
            points: a mask over the grid.
            values: means over the whole grid, of which the masked ones are taken.
            stderr: their standard errors, likewise.
        """
        for arrays, found in ((self._values, values), (self._stderr, stderr)):
            for quantity, array in found.items():
                arrays[quantity][points] = array[points]
        self.surface.status[points] = Status.INTERPOLATED
        self.done = self._count()

    def note(self, key: str, facts: Any) -> None:
        """Add something to the file's provenance."""
        self.surface = replace(self.surface, provenance={**self.surface.provenance, key: facts})

    def publish(self) -> None:
        """Write the file now.

        Raises:
            StoreError: if it can't be written.
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
                f"{self.path} took {took:.1f} s to write, so it is written only every "
                f"{self._interval:.0f} s or so; a run that is killed loses as much. Another "
                "--output may be on a faster disk"
            )

    def publish_if_due(self) -> None:
        """Write the file if the last time is long enough ago; later, if that can't be done now."""
        if time.monotonic() - self._published < self._interval:
            return
        try:
            self.publish()
        except StoreError as error:
            self._published = time.monotonic()
            self._interval = min(2 * self._interval, LONGEST_PAUSE)
            self._failing = True
            self._warn(f"{error}; computing goes on, the next try is in {self._interval:g} s")

    def finish(self) -> None:
        """Write the file for the last time, into the current folder if it has to be.

        Raises:
            PublishError: if the file itself could not be written; it says where the values are.
        """
        for pause in LAST_TRIES:
            time.sleep(pause)
            try:
                return self.publish()
            except StoreError as error:
                failure = error
        rescued = Path(f"{self.path.stem}.rescued-{os.getpid()}.h5")
        try:
            write_surface(rescued, self.surface)
        except StoreError as error:
            raise PublishError(
                f"{failure}; nor anything here ({error}): what was computed since the file was "
                "last written is lost"
            ) from None
        raise PublishError(
            f"{failure}; all that was computed is in {rescued.absolute()}: move it in time to "
            f"{self.path}, and the same command goes on from there"
        )

    def _count(self) -> int:
        return int(np.count_nonzero(self.surface.status[self._own]))


def own_points(grid: Grid, part: Shard | None) -> NDArray[np.bool_]:
    """The points that a run computes, a mask over its grid: a shard's, or all."""
    if part is None:
        return np.ones(grid.shape, dtype=bool)
    return part.points(grid.shape, grid.repeated)


def _by_message(failures: Mapping[int, str]) -> list[dict[str, Any]]:
    """Each message once, with the flat indices of its points."""
    points: dict[str, list[int]] = {}
    for index, message in sorted(failures.items()):
        points.setdefault(message, []).append(index)
    return [{"message": message, "points": indices} for message, indices in points.items()]


def interval(seconds: float) -> float:
    """How many seconds to leave between files, each of which takes so long to write."""
    wished = max(SHORTEST_INTERVAL, seconds / LARGEST_SHARE)
    return max(min(wished, LONGEST_INTERVAL), seconds / LARGEST_SHARE_AT_LAST)


def empty_surface(grid: Grid, config: Mapping[str, Any], provenance: Mapping[str, Any]) -> Surface:
    """A surface with everything still to do; its quantities come with the first result."""
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
