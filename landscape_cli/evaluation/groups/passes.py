"""Forward passes of a model that a group of ranks holds: the leader's orders, and the members."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.batches import map_tensors
from landscape_cli.evaluation.data.objects import move_object
from landscape_cli.evaluation.model_state import ModelState
from landscape_cli.evaluation.out_of_memory import out_of_memory
from landscape_cli.evaluation.passes import Passes
from landscape_cli.geometry.shards import ShardedParameters
from landscape_cli.geometry.slices.base import Slice
from landscape_cli.parallel.activity import Activity
from landscape_cli.parallel.group import (
    PATIENCE,
    Answer,
    Group,
    LostGroupError,
    MemberError,
    failed,
)
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.problem import Objective
from landscape_cli.records.grid import coordinates_text
from landscape_cli.util import accelerators


@dataclass(frozen=True)
class Conditions:
    """The conditions of a forward pass.

    Args:
        gradients: whether autograd records it.
        autocast: dtype of autocast; None without it.
        tf32: whether matrix products and convolutions may use TF32.
    """

    gradients: bool
    autocast: torch.dtype | None
    tf32: tuple[bool, bool]

    @classmethod
    def here(cls, device: torch.device) -> Conditions:
        """Return the conditions that hold now."""
        kind = device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
        tf32 = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        return cls(torch.is_grad_enabled(), dtype, tf32)

    def run(self, device: torch.device, function: Callable[[], Any]) -> Any:
        """Call a function under these conditions."""
        before = Conditions.here(device).tf32
        try:
            self._allow(self.tf32)
            enabled = self.autocast is not None
            with (
                torch.set_grad_enabled(self.gradients),
                torch.autocast(device.type, dtype=self.autocast, enabled=enabled),
            ):
                return function()
        finally:
            self._allow(before)

    @staticmethod
    def _allow(tf32: tuple[bool, bool]) -> None:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = tf32


@dataclass(frozen=True)
class Order:
    """A forward pass that a member of the group carries out.

    Args:
        point: coordinates of the model's parameters.
        written: number of times that the leader has written parameters; they are written again when
            it changes.
        batch: the batch, on the CPU.
        wanted: whether the leader wants the values.
        conditions: of the pass.
    """

    point: tuple[float, ...]
    written: int
    batch: Any
    wanted: bool
    conditions: Conditions


@dataclass(frozen=True)
class _Outcome:
    """The values of a pass, and the number of forward passes of the model that it took."""

    values: Any
    forwards: int


class _Model:
    """A model whose forward passes are counted."""

    def __init__(self, model: nn.Module) -> None:
        self.forwards = 0
        model.register_forward_pre_hook(self._count)

    def _count(self, module: nn.Module, inputs: Any) -> None:
        self.forwards += 1


class GroupPasses(Passes):
    """Evaluates an objective together with the other ranks of the group, as its leader.

    Each pass takes all ranks, since each holds a part of the model. They evaluate the same batch,
    or, if ``divided``, each rank its own, in the order of the batches.

    Args:
        objective: ``(model, batch) -> {name: Tensor[n]}``.
        model: the divided model.
        group: the group.
        device: the device of this rank.
        place: this rank and its host, for messages.
        stop: is asked to stop when a member was.
    """

    alone = False

    def __init__(
        self,
        objective: Objective,
        model: nn.Module,
        group: Group,
        device: torch.device,
        place: str,
        stop: Stop,
    ) -> None:
        super().__init__(objective)
        self.divided = False
        self.group, self.device = group, device
        self._place, self._stop = place, stop
        self._model = _Model(model)
        self._point: tuple[float, ...] = ()
        self._written = 0
        self._forwards: set[int] = set()

    @property
    def steady(self) -> bool:
        """True if every batch so far took equally many forward passes of the model."""
        return len(self._forwards) == 1

    def moved(self, coordinates: Sequence[float]) -> None:
        """Have the members write their parts of the parameters before the next pass."""
        self._point = tuple(coordinates)
        self._written += 1

    def __call__(self, model: nn.Module, batch: Any) -> Any:
        """Return the objective's values for a batch, which all ranks evaluate."""
        return self._together(model, [batch] * self.group.size, wanted=False)[0]

    def each(self, model: nn.Module, batches: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Yield each batch with the objective's values for it."""
        if not self.divided:
            yield from super().each(model, batches)
            return
        source = iter(batches)
        while chunk := list(itertools.islice(source, self.group.size)):
            # Ranks without a batch repeat one, so that all take part in the pass.
            filled = [*chunk, *[chunk[-1]] * (self.group.size - len(chunk))]
            yield from zip(chunk, self._together(model, filled, wanted=True), strict=False)

    def _together(self, model: nn.Module, batches: Sequence[Any], wanted: bool) -> list[Any]:
        """Return the values for one batch of each rank, or only for this rank's."""
        conditions = Conditions.here(self.device)
        order = Order(self._point, self._written, None, wanted, conditions)
        self.group.order([replace(order, batch=on_host(batch)) for batch in batches[1:]])
        before, failure = self._model.forwards, None
        try:
            own = self.objective(model, batches[0])
        except Exception as error:
            failure = error
        forwards = self._model.forwards - before
        answers = self.group.answers(None if failure is None else PATIENCE)
        if failure is not None:
            if answers is None:
                raise LostGroupError(
                    failed(failure, self._place, False, None).traceback
                ) from failure
            raise failure
        assert answers is not None
        self._refuse_failed(answers)
        if not wanted:
            self._forwards.add(forwards)
        return [own, *(self._values(answer.value, forwards) for answer in answers)]

    def _refuse_failed(self, answers: Sequence[Answer]) -> None:
        for answer in answers:
            if answer.stop is not None:
                self._stop.ask(answer.stop)
        failures = [answer for answer in answers if answer.failure]
        if any(answer.memory for answer in failures):
            raise accelerators.OutOfMemoryError(failures[0].failure)
        if failures:
            raise MemberError(failures[0].failure)

    def _values(self, outcome: _Outcome, forwards: int) -> Any:
        if outcome.forwards != forwards:
            raise ProblemError(
                f"objective: it ran the model {forwards} times for one batch and "
                f"{outcome.forwards} times for another, while ranks_per_model divides the batches; "
                "pass --keep-going, with which all ranks of a group evaluate the same batch"
            )
        return map_tensors(lambda tensor: tensor.to(self.device), outcome.values)


class Member:
    """A rank that holds a part of its group's model, and does as the leader says.

    Args:
        objective: ``(model, batch) -> {name: Tensor[n]}``.
        model: the divided model.
        parameters: this rank's parts.
        slice_: writes them.
        device: the device of this rank.
        place: this rank and its host, for messages.
        stop: this rank's, which the leader is told of.
        activity: is told what is evaluated.
    """

    def __init__(
        self,
        objective: Objective,
        model: nn.Module,
        parameters: ShardedParameters,
        slice_: Slice,
        device: torch.device,
        place: str,
        stop: Stop,
        activity: Activity,
    ) -> None:
        self._objective = Passes(objective)
        self._model, self._parameters, self._slice = model, parameters, slice_
        self._counted = _Model(model)
        self._state = ModelState(model, parameters)
        self._device, self._place = device, place
        self._stop, self._activity = stop, activity
        self._written = 0

    def answer(self, order: Order) -> Answer:
        """Evaluate a batch at a point, and return its values or the failure."""
        point = coordinates_text(order.point)
        try:
            with self._activity.doing(f"at {point} with its group"):
                outcome = self._evaluate(order)
        except Exception as error:
            where = f"{self._place} at {point}"
            return failed(error, where, out_of_memory(error), self._stop.reason)
        return Answer(outcome, stop=self._stop.reason)

    @torch.no_grad()
    def _evaluate(self, order: Order) -> _Outcome:
        if order.written != self._written:
            self._state.at_point(partial(self._slice.write, order.point, self._parameters))
            torch.clear_autocast_cache()
            self._written = order.written
        batch = on_device(order.batch, self._device)
        before = self._counted.forwards
        values = order.conditions.run(self._device, lambda: self._objective(self._model, batch))
        forwards = self._counted.forwards - before
        return _Outcome(on_host(values) if order.wanted else None, forwards)


def on_host(value: Any) -> Any:
    """Return a batch, or an objective's values, with its tensors on the CPU."""
    return on_device(value, torch.device("cpu"))


def on_device(value: Any, device: torch.device) -> Any:
    """Return a batch with its tensors on a device."""

    def move(tensor: Tensor) -> Tensor:
        return tensor.detach().to(device)

    return map_tensors(move, value, lambda one: move_object(one, device, False))
