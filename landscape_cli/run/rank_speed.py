"""The speed of each rank, and what a log says of a run."""

from __future__ import annotations

import logging
import time
from functools import wraps
from typing import Any

from landscape_cli.parallel.executor import Work
from landscape_cli.parallel.tile_scheduler import Speeds
from landscape_cli.records.grid import coordinates_text
from landscape_cli.records.tiles import Tile, TileResult
from landscape_cli.run.setup.records import ForwardFacts

logger = logging.getLogger(__name__)


class Pace:
    """Speeds of the ranks, from the results as they come to rank 0.

    Args:
        ranks: the number of ranks.
    """

    def __init__(self, ranks: int) -> None:
        self._speeds = Speeds(ranks)

    def add(self, result: TileResult) -> None:
        """Learn from a tile how fast its rank is."""
        points, seconds = len(result.indices), float(result.seconds.sum())
        self._speeds.learn(result.rank, points, seconds)
        logger.debug("tile of %d points by rank %d in %.3g s", points, result.rank, seconds)

    def remark(self) -> str:
        """Name the slowest of several ranks."""
        found = self._speeds.slowest()
        return f"slowest rank {found[0]}: {found[1]:.3g} point/s" if found else ""


def logged(work: Work) -> Work:
    """Return a rank's work that logs the start and the end of each tile."""

    @wraps(work)
    def noted(tile: Tile) -> TileResult:
        place = coordinates_text(tile.coordinates[0])
        logger.debug("tile of %d points from %s", len(tile.indices), place)
        begin = time.monotonic()
        result = work(tile)
        logger.debug("done in %.3g s", time.monotonic() - begin)
        return result

    return noted


def log_choices(facts: ForwardFacts) -> None:
    """Log which settings of the forward pass were tried, and what came of them."""
    tried: Any = (facts.calibration or {}).get("tried", ())
    for one in tried:
        logger.debug("tried %s", ", ".join(f"{key}: {value}" for key, value in one.items()))
    if facts.compilation:
        outcome = ", ".join(f"{key}: {value}" for key, value in facts.compilation.items())
        logger.debug("compiling: %s", outcome)
