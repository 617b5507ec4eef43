"""The speed of each rank, and log messages about tiles and settings."""

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
    """Speeds of the ranks, learnt from results on rank 0.

    Args:
        ranks: the number of ranks.
    """

    def __init__(self, ranks: int) -> None:
        self._speeds = Speeds(ranks)

    def add(self, result: TileResult) -> None:
        """Learn a rank's speed from a result."""
        points, seconds = len(result.indices), float(result.seconds.sum())
        self._speeds.learn(result.rank, points, seconds)
        logger.debug("tile of %d points by rank %d in %.3g s", points, result.rank, seconds)

    def speed(self, rank: int) -> float:
        """Points per second of a rank; 0 as long as no rank's speed is known."""
        return self._speeds.of(rank)

    def remark(self) -> str:
        """Return a note on the slowest of several ranks, for the progress bar."""
        slowest = self._speeds.slowest()
        return f"slowest rank {slowest[0]}: {slowest[1]:.3g} point/s" if slowest else ""


def logged(work: Work) -> Work:
    """Return a rank's work that logs the start and the end of each tile."""

    @wraps(work)
    def logging_work(tile: Tile) -> TileResult:
        first = coordinates_text(tile.coordinates[0])
        logger.debug("tile of %d points from %s", len(tile.indices), first)
        begin = time.monotonic()
        result = work(tile)
        logger.debug("done in %.3g s", time.monotonic() - begin)
        return result

    return logging_work


def log_choices(facts: ForwardFacts) -> None:
    """Log the settings of the forward pass that were tried, with their outcomes."""
    tried: Any = (facts.calibration or {}).get("tried", ())
    for candidate in tried:
        logger.debug("tried %s", ", ".join(f"{key}: {value}" for key, value in candidate.items()))
    if facts.compilation:
        outcome = ", ".join(f"{key}: {value}" for key, value in facts.compilation.items())
        logger.debug("compiling: %s", outcome)
