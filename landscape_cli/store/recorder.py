"""The surface while it grows: arrays in rank 0's memory, published as whole files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.records import Grid, Quantity, Status, Surface, TileResult
from landscape_cli.store.surface_file import write_surface

SHORTEST_INTERVAL = 1.0
LARGEST_SHARE = 0.02


class Recorder:
    """Collects tile results and publishes the file now and then.

    A file is published at most once a second, and so seldom that publishing takes no more than
    2 % of the time. ``done`` counts the points that are no longer to do.

    Args:
        path: the surface's file.
        surface: the surface to go on with; ``empty_surface`` gives one to begin with. Its points
            that failed, or were interpolated before it was complete, are to do again.
    """

    def __init__(self, path: str | Path, surface: Surface) -> None:
        self.path = Path(path)
        self._values, self._stderr = dict(surface.values), dict(surface.stderr)
        self.surface = replace(surface, values=self._values, stderr=self._stderr)
        again = np.isin(surface.status, (Status.FAILED, Status.INTERPOLATED))
        for array in (*self._values.values(), *self._stderr.values()):
            array[again] = np.nan
        surface.status[again] = Status.TODO
        self.done = surface.done
        self._interval = SHORTEST_INTERVAL
        self._published = float("-inf")

    @property
    def todo(self) -> NDArray[np.int64]:
        """Flat indices of the points that have no result yet."""
        return np.flatnonzero(self.surface.status.ravel() == Status.TODO)

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
        self.done = self.surface.done

    def note(self, key: str, facts: Any) -> None:
        """Add something to the file's provenance."""
        self.surface = replace(self.surface, provenance={**self.surface.provenance, key: facts})

    def publish(self) -> None:
        """Write the file now.

        Raises:
            StoreError: if it can't be written.
        """
        start = time.monotonic()
        write_surface(self.path, self.surface)
        self._published = time.monotonic()
        self._interval = max(SHORTEST_INTERVAL, (self._published - start) / LARGEST_SHARE)

    def publish_if_due(self) -> None:
        """Write the file if the last time is long enough ago."""
        if time.monotonic() - self._published >= self._interval:
            self.publish()


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
