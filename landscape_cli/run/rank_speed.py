"""How fast the ranks are, and what else a log says of a run."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import wraps
from typing import Any

from landscape_cli.parallel.executor import Work
from landscape_cli.parallel.tile_scheduler import Speeds
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.tiles import Tile, TileResult

logger = logging.getLogger(__name__)


class Pace:
    """Looks at the results as they come to rank 0.

    Args:
        ranks: how many ranks there are.
    """

    def __init__(self, ranks: int) -> None:
        self._speeds = Speeds(ranks)

    def add(self, result: TileResult) -> None:
        """Learn from a tile how fast its rank is."""
        points, seconds = len(result.indices), float(result.seconds.sum())
        self._speeds.learn(result.rank, points, seconds)
        logger.debug("tile of %d points by rank %d in %.3g s", points, result.rank, seconds)

    def remark(self) -> str:
        """The slowest of several ranks, in words."""
        found = self._speeds.slowest()
        return f"slowest rank {found[0]}: {found[1]:.3g} point/s" if found else ""


def logged(work: Work) -> Work:
    """The work of a rank that notes in its log when it begins a tile, and when it has done it."""

    @wraps(work)
    def noted(tile: Tile) -> TileResult:
        place = coordinates_text(tile.coordinates[0])
        logger.debug("tile of %d points from %s", len(tile.indices), place)
        begin = time.monotonic()
        result = work(tile)
        logger.debug("done in %.3g s", time.monotonic() - begin)
        return result

    return noted


def details(facts: Mapping[str, Any]) -> None:
    """Log which settings of the forward pass were tried, and what came of them.

    Args:
        facts: what a file says of its run, ``calibration`` and ``compilation`` among it.
    """
    for tried in facts.get("calibration", {}).get("tried", ()):
        logger.debug("tried %s", ", ".join(f"{key}: {value}" for key, value in tried.items()))
    if compilation := facts.get("compilation"):
        logger.debug("compiling: %s", ", ".join(f"{k}: {v}" for k, v in compilation.items()))
