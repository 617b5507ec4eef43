"""Probes of directions: ladders of a few points along each, evaluated by all ranks."""

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
from landscape_cli.run.idle_parameters import idle_lines
from landscape_cli.run.probe.known_ranges import known_range
from landscape_cli.run.probe.ladder import Ladder, coordinates_of
from landscape_cli.run.resume import Start, resolve
from landscape_cli.run.setup.records import Json
from landscape_cli.run.setup.stages import Setup, set_up
from landscape_cli.run.worker import Worker
from landscape_cli.util.logs import tell

USUAL = "loss"
"""The quantity to probe, if the objective has it."""

Point = tuple[float, ...]


class StoppedError(LandscapeError):
    """A probe was stopped; only its few points are lost."""

    exit_code = 75


@dataclass(frozen=True)
class Probe:
    """The result of probing one direction.

    Args:
        axis: the axis.
        label: the direction's label.
        quantity: the quantity whose values the ladder holds.
        ladder: the evaluated points.
        low: suggested start of a grid.
        high: suggested end of a grid.
        rule: the reason for this range, in words.
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
    announce: bool = False,
) -> list[Probe]:
    """Evaluate a ladder of points along directions; called by every rank.

    The points are the centre and, on both sides along each direction, five distances from 10^-2 to
    1 times |w| / |d| over the tensors that it moves. Other coordinates are those of the centre.

    Args:
        config: the run; its ranges are not used.
        executor: the ranks.
        axes: axes to probe; all if left out.
        problem: the user's object, in place of the one that the configuration names.
        announce: name parameters without effect.

    Raises:
        LandscapeError: for any error that a user can cause, as in the run itself.
    """
    config = executor.lead(lambda: _simplify(resolve(config)))
    setup = set_up(Start(config), executor, problem)
    if announce and executor.rank == 0:
        for line in idle_lines(setup.facts.idle):
            tell(line)
    names, probed = tuple(config.grid), tuple(config.grid if axes is None else axes)
    slice_ = setup.evaluator.slice
    ladders = executor.lead(lambda: {axis: coordinates_of(_unit(slice_, axis)) for axis in probed})
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
                "written, so the same command starts over"
            )
        quantity, values = _values(results, tuple(setup.evaluator.splits))
        probes = []
        for number, (axis, coordinates) in enumerate(ladders.items()):
            side = len(coordinates) // 2
            own = values[1 + 2 * side * number :][: 2 * side]
            ladder = Ladder(coordinates, np.array([*own[:side], values[0], *own[side:]]))
            label = setup.facts.slice_.label(axis)
            ends = _range(config, slice_, ladder, axis)
            probes.append(Probe(axis, label, quantity, ladder, *ends))
        return probes

    return executor.lead(judge)


def _simplify(config: RunConfig) -> RunConfig:
    """Return the run without settings that need a grid, or do not pay off for a few points."""
    changes: dict[str, Any] = {"adaptive": None, "shard": None, "repeats": 1, "auto": []}
    changes |= {"calibrate": False, "compile": "off", "target_stderr": None, "sampling": None}
    changes["precision"] = "fp32"  # whether a reduced one is faster is the run's own question
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
    """Hands out points one by one, to any rank."""

    def __init__(self, points: Sequence[Point], stop: Stop) -> None:
        self._tiles = iter([Tile((number,), (point,)) for number, point in enumerate(points)])
        self._stop = stop
        self._lock = threading.Lock()

    def take(self, rank: int = 0) -> Tile | None:
        """Return the next point, or None if there is none or the time is up."""
        if self._stop.left <= 0:
            self._stop.ask("the time limit")
            return None
        with self._lock:
            return next(self._tiles, None)

    def returned(self, result: TileResult) -> None:
        """Ignore a result: points do not depend on the speed of ranks."""


def _evaluate(points: Sequence[Point], setup: Setup, executor: Executor) -> list[TileResult]:
    """Return the results on rank 0, in the order of the points; none elsewhere."""
    # An objective may fail far out but not on the grid.
    place, activity = setup.place(executor.rank), executor.activity
    work = Worker(setup.evaluator, place, keep_going=True, activity=activity)
    results = [*executor.run(_Points(points, executor.stop), work)]
    return sorted(results, key=lambda result: result.indices[0])


def _values(results: Sequence[TileResult], splits: tuple[str, ...]) -> tuple[Quantity, list[float]]:
    """Return the quantity to judge by, the first split's loss if it has one, and its values.

    Raises:
        UsageError: if the value at the centre is not finite.
    """
    names = [name for split, name in results[0].values if split == splits[0]]
    quantity = (splits[0], USUAL if USUAL in names else names[0] if names else USUAL)
    missing = np.array([np.nan])
    values = [float(result.values.get(quantity, missing)[0]) for result in results]
    if not math.isfinite(values[0]):
        raise UsageError(
            f"directions: {' '.join(quantity)} at the centre is {values[0]}, so no range can be "
            "found; give --x MIN:MAX:N"
        )
    return quantity, values


def _range(config: RunConfig, slice_: Slice, ladder: Ladder, axis: str) -> Range:
    """Return the known range of the axis, or else the one that the ladder suggests."""
    known = known_range(config, axis)
    if (known := known or slice_.range(axis)) is not None:
        return known
    return -ladder.reach, ladder.reach, "by the values on the ladder"
