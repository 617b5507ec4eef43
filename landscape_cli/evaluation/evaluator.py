"""The evaluation of a problem at points of a slice."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape_cli.evaluation.accumulator import Accumulator
from landscape_cli.evaluation.batch_norm import BATCH, Recalibration, batch_norms
from landscape_cli.evaluation.data.batches import first_samples
from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.devices import default_micro_batch
from landscape_cli.evaluation.forward.compilation import Compilation, stance
from landscape_cli.evaluation.forward.concurrency import Concurrency, Workers
from landscape_cli.evaluation.forward.convolutions.folding import Folding, is_convolutional
from landscape_cli.evaluation.forward.convolutions.hwnc import Layout
from landscape_cli.evaluation.forward.grouping import Group, can_be_stacked
from landscape_cli.evaluation.forward.in_place import InPlace
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.measures.base import PointMeasure
from landscape_cli.evaluation.measures.point_measures import PointMeasures
from landscape_cli.evaluation.model_state import ModelState, switches
from landscape_cli.evaluation.passes import Passes
from landscape_cli.evaluation.points.sampled import evaluate_samples
from landscape_cli.evaluation.points.threads import EvaluatePoint, PointThreads, point_threads
from landscape_cli.evaluation.points.whole import evaluate_all
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.quantization import Quantizer
from landscape_cli.geometry.slices.base import Slice
from landscape_cli.problems.problem import Objective
from landscape_cli.records.tiles import Quantity, Tile, TileResult


class Evaluator:
    """Evaluates tiles of a slice.

    ``point`` holds the coordinates of the model's current parameters.

    Args:
        model: the network, which is put into eval mode.
        parameters: the model's own parameters, from ``FlatParameters.of_model``.
        slice_: maps coordinates to parameters.
        objective: ``(model, batch) -> {name: Tensor[n]}``, or how its passes are made.
        splits: the data by split.
        settings: settings of the forward pass; ``apply`` changes them.
        rank: the MPI rank, which results state.
        recalibration: re-estimates batch norm's statistics at each point; if None, they are frozen
            or among the parameters.
        measures: numbers of each point that are not means over samples.
        quantizer: rounds the weights of each point; if None, they are as the slice has them.
    """

    def __init__(
        self,
        model: nn.Module,
        parameters: FlatParameters,
        slice_: Slice,
        objective: Objective | Passes,
        splits: Mapping[str, SplitData],
        settings: Settings | None = None,
        rank: int = 0,
        recalibration: Recalibration | None = None,
        measures: PointMeasures | Sequence[PointMeasure] = (),
        quantizer: Quantizer | None = None,
    ) -> None:
        self.model = model
        self.parameters = parameters
        foreign = () if recalibration is None else recalibration.buffers()
        self.state = ModelState(model, parameters, foreign)
        self.slice = slice_
        self.objective = objective if isinstance(objective, Passes) else Passes(objective)
        self.splits = dict(splits)
        self.settings = settings or Settings(default_micro_batch(torch.device("cpu")))
        self.rank = rank
        self.point: tuple[float, ...] = ()
        self.recalibration = recalibration
        self.quantizer = quantizer
        self.measures = measures if isinstance(measures, PointMeasures) else PointMeasures(measures)
        self._folding: Folding | None = None
        self._hwnc: Layout | None = None
        self._in_place: InPlace | None = None
        self._compilation: Compilation | None = None
        self._concurrency: Concurrency | None = None
        self._workers: Workers | None = None
        self._threads: PointThreads | None = None
        self._kept_threads: PointThreads | None = None
        self._group: Group | None = None
        self._stance = "eager_on_recompile"
        self._held: Mapping[str, Tensor] = {}

    @property
    def device(self) -> torch.device:
        """Device of the first parameter, to which batches go."""
        return self.parameters.device

    def apply(self, settings: Settings) -> None:
        """Change the settings of the forward pass."""
        for split in self.splits.values():
            split.arrange(settings.micro_batch, settings.channels_last)
        if self.recalibration is not None:
            self.recalibration.data.arrange(BATCH, settings.channels_last)
        self.set_forward(settings)

    def set_forward(self, settings: Settings) -> None:
        """Change the settings, except for the arrangement of the data."""
        if self.recalibration is not None and settings.precision != self.settings.precision:
            self.recalibration.forget()  # estimate statistics in the precision of their use
        if self._compilation is not None:
            self._compilation.detach()
        for wanted, kept, find in (
            (settings.fold, self._folding, self.folding),
            (settings.hwnc and not settings.compile, self._hwnc, self.hwnc),
            (settings.in_place and not settings.compile, self._in_place, self.in_place),
        ):
            if wanted != (kept is not None and kept.attached):
                find().attach() if wanted else find().detach()
        if settings.compile:
            if self._compilation is None or self._compilation.fuse != settings.fuse:
                self._compilation = Compilation(
                    self.model, *self.parameters.devices, fuse=settings.fuse
                )
            self._compilation.attach()
        self.settings = settings
        self._workers = None
        self._threads = self._threads_for(settings)
        if settings.concurrent and not settings.compile:
            shared = self.folding().tensors() if settings.fold else ()
            self._workers = self.concurrency().workers(shared, (settings.hwnc, settings.in_place))

    def _threads_for(self, settings: Settings) -> PointThreads | None:
        """Return the threads that evaluate points of their own, if they are to and may."""
        if not settings.point_per_thread or settings.compile:
            return None
        if self._kept_threads is None or self._kept_threads.threads != torch.get_num_threads():
            self._kept_threads = point_threads(self)
        if self._kept_threads is not None:
            self._kept_threads.set_forward(settings)
        return self._kept_threads

    def compile(self) -> None:
        """Compile for the first batch of each split, and check that other points reuse the result.

        Raises:
            Exception: anything that torch.compile raises.
        """
        origin = self.slice.origin
        neighbour = (origin[0] + 0.5, *origin[1:])
        try:
            for self._stance, point in (("default", origin), ("fail_on_recompile", neighbour)):
                for split in self.splits.values():
                    self.values(point, [next(iter(split))])
        finally:
            self._stance = "eager_on_recompile"

    @contextlib.contextmanager
    def _conditions(self) -> Iterator[None]:
        """Set the precision and torch.compile's stance during forward passes."""
        compiling = stance(self._stance) if self.settings.compile else contextlib.nullcontext()
        with self.settings.precision_on(*self.parameters.devices), compiling:
            yield

    @property
    def _moves_itself(self) -> bool:
        """True if statistics are re-estimated, or the model changes weights in ``eval()``."""
        return self.recalibration is not None or switches(self.model)

    def folding(self) -> Folding:
        """Return the convolutions and norms that can be folded, found by a small forward pass.

        Empty when statistics are re-estimated, since folding would bypass the norms, for a model
        that changes weights in ``eval()``, and for slices that read checkpoints, which must fit the
        model as it was built.
        """
        if self._folding is None:
            unsuited = self._moves_itself or self.slice.own_states
            forward = _no_forward if unsuited else self.try_out
            pointers = {view.data_ptr() for view in self.parameters.views.values()}
            norms = batch_norms(self.model).values()
            moving = any(norm.running_var.data_ptr() in pointers for norm in norms)
            self._folding = Folding(self.model, forward, moving)
        return self._folding

    def hwnc(self) -> Layout:
        """Return the convolutions that can compute in the memory order HWNC.

        Empty on accelerators, when statistics are re-estimated, and for a model that changes in
        ``eval()``.
        """
        if self._hwnc is None:
            unsuited = self._moves_itself or self.device.type != "cpu"
            self._hwnc = Layout(nn.Module() if unsuited else self.model)
        return self._hwnc

    def in_place(self) -> InPlace:
        """Return the operations that can be computed in place; none but for convolutional networks.

        None on accelerators, and where a forward pass may change the model.
        """
        if self._in_place is None:
            suited = self.device.type == "cpu" and is_convolutional(self.model)
            suited = suited and self.concurrency().isolated
            norms = self.folding().norms() if suited else ()
            self._in_place = InPlace(self.model if suited else nn.Module(), norms)
        return self._in_place

    def concurrency(self) -> Concurrency:
        """Return the means of evaluating several batches at once.

        Impossible when statistics are re-estimated, with several devices or ranks for a network,
        and for models and slices that are not folded either.
        """
        if self._concurrency is None:
            unsuited = self._moves_itself or self.slice.own_states
            unsuited = unsuited or type(self.objective) is not Passes
            self._concurrency = Concurrency(
                self.model,
                self.objective.objective,
                () if unsuited else self.parameters.devices,
                self.try_out,
            )
        return self._concurrency

    @property
    def batches_at_once(self) -> int:
        """Number of batches that are evaluated at once."""
        return 1 if self._workers is None else self._workers.threads

    @property
    def replicas(self) -> Sequence[Evaluator]:
        """Evaluators of the workers that evaluate a point each; empty if this one does."""
        return () if self._threads is None else self._threads.replicas

    @property
    def points_at_once(self) -> int:
        """Number of points that are evaluated at once."""
        return len(self.replicas) or 1

    def each_point(self, tile: Tile, evaluate: EvaluatePoint) -> None:
        """Evaluate a tile's points one by one, or each on a thread."""
        if self._threads is not None:
            self._threads.each(self, tile, evaluate)
            return
        for number in range(len(tile.indices)):
            evaluate(self, number)

    def each(self, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each batch with the objective's values for it."""
        if self._workers is None:
            return self.objective.each(self.model, batches)
        return self._workers.each(batches)

    def try_out(self, samples: int = 2) -> None:
        """Evaluate the objective on a few samples, for hooks that observe the model.

        Errors are ignored: an objective may not accept such a small batch.
        """
        batch = next(iter(self.first_split))
        few = first_samples(batch, samples)
        with contextlib.suppress(Exception):
            self.objective(self.model, few)

    @property
    def first_split(self) -> SplitData:
        """The split whose samples are used for trials."""
        return next(iter(self.splits.values()))

    def total_samples(self) -> int:
        """Count the samples of all splits whose number is known."""
        return sum(split.samples for split in self.splits.values())

    @torch.no_grad()
    def values(self, coordinates: Sequence[float], batches: Iterable[Any]) -> Accumulator:
        """Return the sums of the objective's values over batches at one point."""
        return self._sums_at(coordinates, batches, contextlib.nullcontext())

    @torch.no_grad()
    def observed(self, coordinates: Sequence[float], batches: Iterable[Any]) -> Accumulator:
        """Return the sums over batches at one point, and note what changes in the model."""
        return self._sums_at(coordinates, batches, self.state.watching())

    def _sums_at(
        self,
        coordinates: Sequence[float],
        batches: Iterable[Any],
        around: contextlib.AbstractContextManager[None],
    ) -> Accumulator:
        sums = Accumulator("sample", 1)
        with self._conditions():
            self.write(coordinates)
            with around:
                for batch, values in self.each(batches):
                    sums.add(0, values, batch)
        return sums

    @torch.no_grad()
    def evaluate(self, tile: Tile) -> TileResult:
        """Return the values at a tile's points, on all samples or as many as its rule asks for."""
        start = time.perf_counter()
        if self.recalibration is not None:
            self.recalibration.forget()
        samples: dict[str, NDArray[np.int32]] = {}
        early: dict[Quantity, NDArray[np.float64]] = {}
        with self._conditions():
            if tile.rule is None:
                sums = evaluate_all(self, tile)
            else:
                sums, samples, early = evaluate_samples(self, tile)
        result = self._result(tile, sums, self.measured(tile), start)
        return replace(result, samples=samples, early=early)

    @property
    def groups_points(self) -> bool:
        """True if one forward pass may evaluate several points: none affects another."""
        settings = self.settings
        if settings.fold or settings.in_place or settings.compile or settings.concurrent:
            return False
        return self.concurrency().isolated and can_be_stacked(self.model, self.parameters)

    @torch.no_grad()
    def places_agree(self, coordinates: Sequence[float]) -> bool:
        """Tell whether a point's values have the same bits in every place of a group.

        Raises:
            Exception: whatever ``torch.func.vmap`` raises where a pass can't be batched.
        """
        group = self.room_for_group()
        with self._conditions():
            self.write(coordinates)
            group.put(0, last=True)
            return all(group.agrees(split) for split in self.splits.values())

    def room_for_group(self) -> Group:
        """Return room for a group of points."""
        size = self.settings.group
        if self._group is None or self._group.size != size:
            objective = self.objective.objective
            self._group = Group(self.model, self.parameters, objective, size)
        return self._group

    def measured(self, tile: Tile) -> dict[Quantity, NDArray[np.float64]]:
        """Return values and errors of the measures, of shape (points, 2), by quantity."""
        if not self.measures.all:
            return {}
        with self.plain(), torch.enable_grad():
            return self.measures.at(self, tile)

    @contextlib.contextmanager
    def plain(self) -> Iterator[None]:
        """Compute batch by batch in full precision, neither folded nor compiled, within a block."""
        settings = self.settings
        self.set_forward(replace(settings.as_written(), concurrent=False, precision="fp32"))
        try:
            with self._conditions():
                yield
        finally:
            self.set_forward(settings)

    def _write_parameters(self, coordinates: Sequence[float]) -> None:
        self.slice.write(coordinates, self.parameters)
        if self.quantizer is not None:
            self.quantizer.apply(self.parameters)
        self.objective.moved(coordinates)
        for name, entries in self._held.items():
            self.parameters.views[name].copy_(entries)

    @contextlib.contextmanager
    def holding(self, tensors: Mapping[str, Tensor]) -> Iterator[None]:
        """Hold some of the model's tensors at other entries than the slice's."""
        self._held = tensors
        try:
            yield
        finally:
            self._held = {}

    def load(self, budget: int | Room) -> None:
        """Load the data without evaluating anything."""
        room = Room.of(budget)
        if self.recalibration is not None:
            self.recalibration.load(room)
        for split in self.splits.values():
            for _ in split.load(room):
                pass
        self.measures.load(room)

    def write(self, coordinates: Sequence[float]) -> None:
        """Write the parameters at a point into the model."""
        self.point = tuple(coordinates)
        self.state.at_point(partial(self._write_parameters, coordinates))
        # Autocast caches the weights that it has cast, and does not notice that they changed.
        torch.clear_autocast_cache()
        if self.recalibration is not None:
            self.recalibration.update(self.point)
        if self._folding is not None and self._folding.attached:
            self._folding.update()

    def _result(
        self,
        tile: Tile,
        sums: Mapping[str, Accumulator],
        measured: Mapping[Quantity, NDArray[np.float64]],
        start: float,
    ) -> TileResult:
        values: dict[Quantity, Any] = {}
        stderr: dict[Quantity, Any] = {}
        for split, accumulator in sums.items():
            means, errors = accumulator.means()
            for column, name in enumerate(accumulator.names):
                values[split, name] = means[:, column]
                stderr[split, name] = errors[:, column]
        for quantity, pairs in measured.items():
            values[quantity], stderr[quantity] = pairs[:, 0], pairs[:, 1]
        points = len(tile.indices)
        seconds = np.full(points, (time.perf_counter() - start) / points, dtype=np.float32)
        notes = self.measures.take_notes()
        return TileResult(tile.indices, values, stderr, seconds, self.rank, notes=notes)


def _no_forward() -> None:
    pass
