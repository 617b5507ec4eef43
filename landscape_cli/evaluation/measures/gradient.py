"""The gradient of the loss: its norm, and the slopes of the surface along its axes."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import torch

from landscape_cli.evaluation.derivatives.gradient import MeanGradient, mean_gradient
from landscape_cli.evaluation.measures.base import Found, PointMeasure, PointView
from landscape_cli.evaluation.measures.refusals import refuse_run
from landscape_cli.geometry.inner_products import dot

NORM = "gradient_norm"

ROUNDINGS = 4.0
"""Size of the parameter perturbations that model rounding, in units of roundoff."""

DRAWS = 2
"""Number of perturbations from which the error is estimated."""

SPREAD = 2.0
"""Number of standard deviations that the stated error covers."""


class GradientMeasure(PointMeasure):
    """The norm of the full gradient, and the exact slopes of the surface.

    ``gradient_norm`` is the Euclidean norm over all parameters that the slice moves. ``gradient_x``
    and ``gradient_y`` are the partial derivatives of the mean loss along the axes, in loss per unit
    of the axis.

    The stated error estimates rounding. Backpropagation computes almost the exact gradient for
    parameters that are off by a few roundoffs, so the first batch is differentiated again at
    parameters perturbed by this much, and the change is scaled to all batches. A sample on a kink
    of a ReLU network may increase the estimate.

    Attributes:
        quantity: the objective's value to differentiate; the first if left out.
    """

    kind: Literal["gradient"] = "gradient"
    quantity: str | None = None

    def check(
        self, moved_buffers: Collection[str], recalibrated: bool, precision: str = "fp32"
    ) -> None:
        """Refuse surfaces that also depend on the parameters through running statistics."""
        # It is taken in full precision, whatever that of the values is.
        refuse_run("gradient", "gradient", moved_buffers, recalibrated, "fp32")

    def measure(self, view: PointView) -> Found:
        """Differentiate the mean loss at the point."""
        gradient = self._gradient(view, view.data)
        numbers = _numbers(view, gradient)
        errors = self._errors(view, gradient)
        return {name: (value, errors[name]) for name, value in numbers.items()}

    def _gradient(self, view: PointView, batches: Iterable[Any]) -> MeanGradient:
        own, aliases = view.parameters, view.parameters.aliases
        names = [name for name in own.views if name in own.trainable | own.frozen]
        return mean_gradient(view.model, view.objective, batches, names, self.quantity, aliases)

    def _errors(self, view: PointView, whole: MeanGradient) -> dict[str, float]:
        """Estimate how much rounding changes the numbers of all batches."""
        differentiate = partial(self._gradient, view, [next(iter(view.data))])
        exact = whole if whole.batches == 1 else differentiate()
        squares: dict[str, float] = {}
        for draw in range(DRAWS):
            with _perturbed(view, draw):
                changes = _changes(view, exact, differentiate())
            for name, change in changes.items():
                squares[name] = squares.get(name, 0.0) + change**2 / DRAWS
        scale = SPREAD * (whole.gross / exact.gross if exact.gross > 0 else 1.0)
        return {name: scale * math.sqrt(square) for name, square in squares.items()}


def _numbers(view: PointView, gradient: MeanGradient) -> dict[str, float]:
    slopes = view.slice_.slopes(view.coordinates, gradient.entries) or {}
    return {
        NORM: math.sqrt(dot(gradient.entries, gradient.entries)),
        **{f"gradient_{axis}": slope for axis, slope in slopes.items()},
    }


def _changes(view: PointView, exact: MeanGradient, other: MeanGradient) -> dict[str, float]:
    """Return the changes of the slopes, and for the norm, the norm of the gradient's change."""
    entries = {name: other.entries[name] - entry for name, entry in exact.entries.items()}
    return _numbers(view, replace(exact, entries=entries))


@contextmanager
def _perturbed(view: PointView, draw: int) -> Iterator[None]:
    """Multiply parameters by random factors within a few roundoffs of 1, equal on any device."""
    with torch.no_grad():
        dtypes = view.parameters.dtypes
        generators = {dtype: torch.Generator().manual_seed(draw) for dtype in dtypes}
        for (dtype, _), buffer in view.parameters.buffers.items():
            generator = generators[dtype]
            wide = torch.promote_types(dtype, torch.float32)
            noise = torch.rand(len(buffer), generator=generator, dtype=wide).mul_(2).sub_(1)
            factor = noise.mul_(ROUNDINGS * torch.finfo(dtype).eps).add_(1)
            buffer.mul_(factor.to(buffer.device))
    try:
        yield
    finally:
        view.slice_.write(view.coordinates, view.parameters)
