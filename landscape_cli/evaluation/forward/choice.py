"""The choice of the forward pass's settings: by shapes, by timing, and by compiling."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from landscape_cli.evaluation.data.batches import first_samples
from landscape_cli.evaluation.devices import default_micro_batch
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.forward.benchmark import GAIN, ROUNDS
from landscape_cli.evaluation.forward.calibration import calibrate_settings
from landscape_cli.evaluation.forward.compile_choice import repays_compilation, try_compilation
from landscape_cli.evaluation.forward.defaults import choose_default_settings, suits_threads
from landscape_cli.evaluation.forward.equivalence import TOLERANCE, own_means
from landscape_cli.evaluation.forward.precision_choice import PrecisionTiming, time_precision
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.out_of_memory import if_it_fits
from landscape_cli.records.tiles import Tile

FEW = 64
"""Samples on which a replica of the network is compared with it."""

GROUP = 32
"""Points of a group that is tried."""

GROUPED_SECONDS, GROUPED_POINTS = 0.005, 1024
"""Points that take longer fill a GPU by themselves, and are not grouped; nor are fewer on a rank,
since the comparison takes as long as about 250 points."""


@dataclass(frozen=True)
class Workload:
    """The run that settings are chosen for.

    Args:
        points: the points of the run, or the fewest that it computes.
        ranks: the ranks that share them.
        corner: coordinates of a corner of the grid, where values are compared.
        micro_batch: the user's choice; None if it may change.
        calibrate: time alternatives before a long run.
        compile: ``on``, ``off`` or ``auto``.
        even_if_slower: keep a reduced precision that is slower than fp32.
        agreement: coordinates at which a reduced precision must give the values of fp32.
        singly: evaluate points one by one, since each may stop after its own number of samples.
    """

    points: int
    ranks: int
    corner: tuple[float, ...]
    micro_batch: int | None
    calibrate: bool
    compile: str
    even_if_slower: bool = False
    agreement: Sequence[Sequence[float]] = ()
    singly: bool = False


@dataclass(frozen=True)
class Choice:
    """The settings chosen, and how.

    Args:
        settings: of the forward pass.
        calibration: duration and candidates of the calibration; None if nothing was tried.
        compilation: outcome and times of compiling; None if it was not tried.
        precision: times of a reduced precision and of fp32; None in full precision.
    """

    settings: Settings
    calibration: Mapping[str, object] | None = None
    compilation: Mapping[str, object] | None = None
    precision: PrecisionTiming | None = None


def choose_settings(evaluator: Evaluator, work: Workload) -> Choice:
    """Choose settings by the model's shapes, or faster ones by timing.

    Args:
        evaluator: with loaded data; it has other settings afterwards.
        work: the run.
    """
    # Micro-batches that were halved for lack of memory are not enlarged again.
    initial = default_micro_batch(evaluator.device)
    resize = work.micro_batch is None and evaluator.settings.micro_batch == initial
    start = evaluator.settings
    evaluator.apply(choose_default_settings(evaluator, work.corner, resize))
    precision = time_precision(evaluator, work.even_if_slower, work.agreement)
    if precision is not None and precision.used != start.precision:
        evaluator.apply(replace(start, precision=precision.used))
        evaluator.apply(choose_default_settings(evaluator, work.corner, resize))
    choice = Choice(evaluator.settings, precision=precision)
    seconds = 0.0
    if work.calibrate:
        found = calibrate_settings(evaluator, work.points, work.ranks, work.corner, resize)
        evaluator.apply(found.settings)
        seconds = found.estimate_seconds(work.ranks)
        choice = replace(choice, settings=found.settings)
        if found.tried:
            calibration = {"seconds": round(found.seconds, 3), "tried": found.tried}
            choice = replace(choice, calibration=calibration)
    if evaluator.recalibration is not None:
        return choice
    repaid = work.calibrate and not work.singly and work.points >= GROUPED_POINTS * work.ranks
    if repaid and work.compile != "on" and evaluator.device.type != "cpu":
        evaluator.apply(group_points(evaluator, work.corner))
        if evaluator.settings.group > 1:
            return replace(choice, settings=evaluator.settings)
    insist = work.compile == "on"
    if insist or (work.compile == "auto" and repays_compilation(evaluator, seconds)):
        kept, compilation = try_compilation(evaluator, work.corner, insist)
        settings = replace(
            evaluator.settings, compile=kept, fuse=kept and bool(compilation.get("fused"))
        )
        choice = replace(choice, settings=settings, compilation=compilation)
    if work.singly and not choice.settings.compile:
        choice = replace(choice, settings=share_points(evaluator, work.corner))
    return choice


def share_points(evaluator: Evaluator, corner: Sequence[float]) -> Settings:
    """Return settings with a point on each thread, for a convolutional network that allows it.

    A replica's values must differ by rounding alone from those of the network.

    Args:
        evaluator: an evaluator with its data loaded; it keeps its settings.
        corner: the coordinates of a corner of the grid, at which values are compared, as at the
            origin.
    """
    start = evaluator.settings
    if not suits_threads(evaluator):
        return start
    shared = replace(start, point_per_thread=True, concurrent=False)
    evaluator.set_forward(shared)
    try:
        return shared if evaluator.replicas and _replica_agrees(evaluator, corner) else start
    finally:
        evaluator.set_forward(start)


def _replica_agrees(evaluator: Evaluator, corner: Sequence[float]) -> bool:
    """Compare the network with one of its replicas on a few samples."""
    batch = next(iter(evaluator.first_split))
    few = [batch if evaluator.first_split.dependence else first_samples(batch, FEW)]
    expected, found = (own_means(one, corner, few) for one in (evaluator, evaluator.replicas[0]))
    return bool(np.allclose(expected, found, rtol=TOLERANCE, atol=0, equal_nan=True))


def group_points(evaluator: Evaluator, corner: Sequence[float]) -> Settings:
    """Return settings with groups of points, if these are clearly faster and change no value.

    A point's values must differ from those of a pass of its own by rounding alone, and have the
    same bits in every place of a group, since places depend on how the run was divided into tiles.

    Args:
        evaluator: an evaluator with its data loaded; it keeps its settings.
        corner: coordinates of a corner of the grid; points on the way there are evaluated.
    """
    start = evaluator.settings
    cached = all(split.cached for split in evaluator.splits.values())
    if evaluator.measures.all or not cached or not evaluator.groups_points:
        return start
    try:
        better = if_it_fits(partial(_groups_pay, evaluator, corner), evaluator.device)
    except Exception:  # torch.func can't batch whatever a model or an objective does
        better = False
    finally:
        evaluator.set_forward(start)
    return replace(start, group=GROUP) if better else start


def _groups_pay(evaluator: Evaluator, corner: Sequence[float]) -> bool:
    """Compare groups with passes of single points, on a tile of one group."""
    alone = replace(evaluator.settings, group=1)
    grouped = replace(alone, group=GROUP)
    ways = np.linspace(evaluator.slice.origin, corner, GROUP)
    tile = Tile(tuple(range(GROUP)), tuple(map(tuple, ways.tolist())))
    last = Tile(tile.indices[-1:], tile.coordinates[-1:])

    def evaluated(settings: Settings, tile: Tile) -> tuple[NDArray[np.float64], float]:
        evaluator.set_forward(settings)
        result = evaluator.evaluate(tile)
        return np.stack([*result.values.values()]), float(result.seconds.sum())

    evaluated(alone, last)  # a first pass is slow
    if evaluated(alone, last)[1] > GROUPED_SECONDS:
        return False
    expected, _ = evaluated(alone, tile)
    values, _ = evaluated(grouped, tile)
    if not np.allclose(expected, values, rtol=TOLERANCE, atol=0, equal_nan=True):
        return False
    if not all(map(evaluator.places_agree, (evaluator.slice.origin, corner))):
        return False
    pairs = [(evaluated(grouped, tile)[1], evaluated(alone, tile)[1]) for _ in range(ROUNDS)]
    return bool(statistics.median(a / b for a, b in pairs) <= 1 - GAIN)
