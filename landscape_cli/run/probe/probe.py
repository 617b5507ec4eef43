"""Probing directions: a few points on a ladder along each, evaluated by all ranks."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import LandscapeError, UsageError
from landscape_cli.evaluation.sample_size import PILOT
from landscape_cli.geometry.directions.base import Range
from landscape_cli.geometry.slices.base import Slice
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.problem import Problem
from landscape_cli.records.tiles import Quantity, Tile, TileResult
from landscape_cli.run.probe.known_ranges import known_range
from landscape_cli.run.probe.ladder import Ladder, coordinates_of
from landscape_cli.run.resume import Start, resolve
from landscape_cli.run.setup.records import Json
from landscape_cli.run.setup.stages import Setup, set_up
from landscape_cli.run.worker import Worker

USUAL = "loss"

Point = tuple[float, ...]


class StoppedError(LandscapeError):
    """A probe was asked to stop; nothing is lost but its few points."""

    exit_code = 75


@dataclass(frozen=True)
class Probe:
    """What was found along one direction.

    Args:
        axis: the axis.
        label: the direction in words.
        quantity: whose values the ladder holds.
        ladder: the points.
        low: where a grid should begin.
        high: where it should end.
        rule: how that was found, in words.
    """

    axis: str
    label: str
    quantity: Quantity
    ladder: Ladder
    low: float
    high: float
    rule: str

    def facts(self) -> Json:
        """Return the probe as plain values for provenance, with non-finite values as words."""
        values = self.ladder.values.tolist()
        return {
            "range": [self.low, self.high],
            "rule": self.rule,
            "quantity": list(self.quantity),
            "coordinates": self.ladder.coordinates.tolist(),
            "values": [value if math.isfinite(value) else str(value) for value in values],
            "log": self.ladder.log,
        }


def probe(
    config: RunConfig,
    executor: Executor,
    axes: Sequence[str] | None = None,
    problem: Problem | None = None,
) -> list[Probe]:
    """Evaluate a ladder of points along directions; called by every rank.

    These are the centre and five magnitudes on both sides along each direction, 10^-2 to 1
    times |w| / |d| over the tensors that it moves, the other coordinates being 0.

    Args:
        config: the run; its ranges do not matter.
        executor: the ranks.
        axes: the directions' axes; all if left out.
        problem: the user's object, in place of the one that the configuration names.

    Raises:
        LandscapeError: for everything that a user can cause, as the run itself would.
    """
    config = executor.lead(lambda: _alone(resolve(config)))
    setup = set_up(Start(config), executor, problem)
    names, wanted = tuple(config.grid), tuple(config.grid if axes is None else axes)
    slice_ = setup.evaluator.slice
    ladders = executor.lead(lambda: {axis: coordinates_of(_unit(slice_, axis)) for axis in wanted})
    points: list[Point] = [slice_.origin]
    for axis, coordinates in ladders.items():
        points += [
            tuple(o + c * (name == axis) for o, name in zip(slice_.origin, names, strict=True))
            for c in coordinates
            if c
        ]
    results = _evaluate(points, setup, executor)

    def judge() -> list[Probe]:
        if len(results) < len(points):
            raise StoppedError(
                f"stopped by {executor.stop.reason} while directions were probed; nothing was "
                "written, and the same command begins anew"
            )
        quantity, values = _values(results, tuple(setup.evaluator.splits))
        found = []
        for number, (axis, coordinates) in enumerate(ladders.items()):
            side = len(coordinates) // 2
            own = values[1 + 2 * side * number :][: 2 * side]
            ladder = Ladder(coordinates, np.array([*own[:side], values[0], *own[side:]]))
            label = setup.facts.slice_.label(axis)
            found.append(Probe(axis, label, quantity, ladder, *_range(config, axis, ladder)))
        return found

    return executor.lead(judge)


def _alone(config: RunConfig) -> RunConfig:
    """The run without what takes a grid, or is not worth its time for a few points."""
    changes: dict[str, Any] = {"adaptive": None, "shard": None, "repeats": 1, "auto": []}
    changes |= {"calibrate": False, "compile": "off", "target_stderr": None}
    if config.target_stderr is not None:
        changes["samples"] = PILOT
    known = {key: value for key, value in changes.items() if key in RunConfig.model_fields}
    return config.model_copy(update=known)


def _unit(slice_: Slice, axis: str) -> float:
    """Return the step along an axis that moves weights by their own norm.

    Raises:
        UsageError: if the slice has no such unit, or the axis moves nothing.
    """
    unit = slice_.unit(axis)
    if unit is None:
        raise UsageError(
            f"grid.{axis}: no range can be found by probing on this kind of slice; give MIN:MAX:N"
        )
    return unit


class _Points:
    """Gives out points one by one, whatever their rank."""

    def __init__(self, points: Sequence[Point], stop: Stop) -> None:
        self._tiles = iter([Tile((number,), (point,)) for number, point in enumerate(points)])
        self._stop = stop
        self._lock = threading.Lock()

    def take(self, rank: int = 0) -> Tile | None:
        """The next point, or None when all are given out or time is up."""
        if self._stop.left <= 0:
            self._stop.ask("the time limit")
            return None
        with self._lock:
            return next(self._tiles, None)

    def returned(self, result: TileResult) -> None:
        """Learn nothing."""


def _evaluate(points: Sequence[Point], setup: Setup, executor: Executor) -> list[TileResult]:
    """The results at rank 0, in the order of the points; none elsewhere."""
    # Far out an objective may fail that does not on the grid.
    work = Worker(setup.evaluator, setup.place(executor.rank), keep_going=True)
    results = [*executor.run(_Points(points, executor.stop), work)]
    return sorted(results, key=lambda result: result.indices[0])


def _values(results: Sequence[TileResult], splits: tuple[str, ...]) -> tuple[Quantity, list[float]]:
    """Which quantity decides, the first split's loss if there is one, and its values.

    Raises:
        UsageError: if the centre's is not finite.
    """
    names = [name for split, name in results[0].values if split == splits[0]]
    quantity = (splits[0], USUAL if USUAL in names else names[0] if names else USUAL)
    missing = np.array([np.nan])
    values = [float(result.values.get(quantity, missing)[0]) for result in results]
    if not math.isfinite(values[0]):
        raise UsageError(
            f"directions: {' '.join(quantity)} at the centre is {values[0]}, so that no range can "
            "be found from it; give --x MIN:MAX:N"
        )
    return quantity, values


def _range(config: RunConfig, axis: str, ladder: Ladder) -> Range:
    """Return the range that is known of the axis, or else the one that the ladder suggests."""
    if (known := known_range(config, axis)) is not None:
        return known
    return -ladder.reach, ladder.reach, "by the values on the ladder"
