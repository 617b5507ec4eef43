"""Training of the bends of a curve between two networks (Garipov et al. 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError, UsageError, some
from landscape_cli.evaluation.derivatives import backward
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.training.buffers import TrainingBuffers
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.curve import write_point
from landscape_cli.records.curves.base import CurveShape

CONSTANT, FALLEN, LAST = 0.5, 0.9, 0.01
"""The learning rate is constant up to this fraction of all steps, then falls linearly until the
second one, to this fraction of the first rate (as in Garipov et al.'s code)."""


def rate_at(step: int, steps: int, first: float) -> float:
    """Return the learning rate of a step, counted from 0, of a number of steps."""
    fallen = (step / steps - CONSTANT) / (FALLEN - CONSTANT)
    return first * (1 - (1 - LAST) * min(max(fallen, 0.0), 1.0))


class CurveTraining:
    """Minimizes the mean of the loss over a curve, E_{t ~ U(0, 1)} L(phi(t)), by SGD.

    The gradient of L(phi(t)) by a bend w_k is c_k(t) times the gradient of L at phi(t), so one
    ordinary gradient at that point suffices. Weight decay acts on phi(t). Parameters that require
    no gradient stay where the bends begin.

    Args:
        loss: the value that is minimized, of a model in training mode.
        parameters: the model's own, from ``FlatParameters.of_model``; each step overwrites them.
        shape: the coefficients c_k.
        points: the K points w_k; the bends among them are changed in place.
        momenta: momentum of each of the K - 2 bends, changed in place.
        momentum: factor by which momenta decay.
        weight_decay: factor of phi(t) that is added to the gradient.

    Raises:
        UsageError: if parameters are narrower than float32.
        ProblemError: if no parameter requires a gradient.
    """

    def __init__(
        self,
        loss: MeanLoss,
        parameters: FlatParameters,
        shape: CurveShape,
        points: Sequence[FlatParameters],
        momenta: Sequence[FlatParameters],
        momentum: float = 0.9,
        weight_decay: float = 0.0,
    ) -> None:
        self._loss, self._parameters, self._shape = loss, parameters, shape
        self.points, self.momenta = list(points), list(momenta)
        self._momentum, self._weight_decay = momentum, weight_decay
        _refuse(parameters)
        loss.model.train()
        parameters.attach(loss.model)
        self._buffers = TrainingBuffers(loss.model)
        self._gradient = parameters.zeros()
        own = dict(loss.model.named_parameters(remove_duplicate=False))
        self._leaves = [
            (leaf, name)
            for name in parameters.views
            if name in parameters.trainable
            for leaf in _tied(own, (name, *parameters.aliases.get(name, ())))
        ]
        self._all = set(parameters.trainable) == set(parameters.views)

    def step(self, batch: Any, t: float, rate: float) -> float:
        """Move the bends by the gradient at a place of the curve.

        Args:
            batch: on the device.
            t: the place.
            rate: the learning rate.

        Returns:
            The batch's mean loss; nothing is moved if it is not finite.
        """
        coefficients = self._shape.coefficients(t).tolist()
        self._buffers.restore()
        with torch.no_grad():
            write_point(self.points, coefficients, self._parameters)
        loss = self._differentiate(batch)
        if not abs(loss) < float("inf"):
            return loss
        self._decay()
        with torch.no_grad():
            for number, momentum in enumerate(self.momenta, start=1):
                for place, velocity in momentum.buffers.items():
                    gradient = self._gradient.buffers[place]
                    velocity.mul_(self._momentum).add_(gradient, alpha=coefficients[number])
                    self.points[number].buffers[place].add_(velocity, alpha=-rate)
        return loss

    def _differentiate(self, batch: Any) -> float:
        """Compute the gradient of a batch's mean loss, and return that mean."""
        for buffer in self._gradient.buffers.values():
            buffer.zero_()
        targets = {name: self._gradient.own(name) for _, name in self._leaves}
        for leaf, name in self._leaves:
            leaf.grad = targets[name]  # what shares memory under two names adds to one gradient
        try:
            with torch.enable_grad():
                found = self._loss.on(batch)
                weights = found.weights
                total = found.values.sum()
                mean = total / (
                    len(found.values) if weights is None else weights.sum().to(total.device)
                )
                backward(mean, [leaf for leaf, _ in self._leaves])
            for leaf, name in self._leaves:
                if leaf.grad is not None and leaf.grad is not targets[name]:  # a sparse one
                    targets[name].copy_(leaf.grad.to_dense())
        finally:
            for leaf, _ in self._leaves:
                leaf.grad = None
        return float(mean.detach())

    def _decay(self) -> None:
        """Add weight decay to the gradient."""
        if not self._weight_decay:
            return
        with torch.no_grad():
            if self._all:
                for place, buffer in self._gradient.buffers.items():
                    buffer.add_(self._parameters.buffers[place], alpha=self._weight_decay)
                return
            for name in self._parameters.trainable:
                view = self._gradient.views[name]
                view.add_(self._parameters.views[name], alpha=self._weight_decay)


def _tied(own: Mapping[str, nn.Parameter], names: Sequence[str]) -> list[nn.Parameter]:
    """Return the different objects that a parameter has under its names."""
    return list({id(own[name]): own[name] for name in names}.values())


def straight(
    first: Mapping[str, Tensor], last: Mapping[str, Tensor], like: FlatParameters, points: int
) -> list[FlatParameters]:
    """Return points at equal distances on the straight line, the ends first and last, bit for bit.

    Args:
        first: the network at t = 0, by parameter name.
        last: the network at t = 1.
        like: the model's parameters.
        points: K, at least 2.
    """
    found = []
    for number in range(points):
        flat, share = like.zeros(), number / (points - 1)
        for name, view in flat.views.items():
            if share in (0.0, 1.0):
                view.copy_(last[name] if share else first[name])
            else:
                view.copy_(torch.lerp(first[name].double(), last[name].double(), share))
        found.append(flat)
    return found


def _refuse(parameters: FlatParameters) -> None:
    narrow = [dtype for dtype in parameters.dtypes if dtype.itemsize < 4]
    if narrow:
        dtype = str(narrow[0]).removeprefix("torch.")
        raise UsageError(
            f"Problem.model: it has parameters in {dtype}, but training needs float32 or float64; "
            "load the network in one of them"
        )
    if parameters.parts:
        raise ProblemError(
            f"Problem.model: {some(list(parameters.parts))} shares part of the memory of another "
            "parameter, so that gradients would be incomplete; tie parameters as one object"
        )
    if not parameters.trainable:
        raise ProblemError("Problem.model: none of its parameters requires a gradient")
