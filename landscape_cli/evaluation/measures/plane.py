"""The exact Hessian of the surface itself, along its axes."""

from __future__ import annotations

import math
from collections.abc import Collection
from itertools import combinations_with_replacement
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.measures.base import Found, PointMeasure, PointView, Samples
from landscape_cli.evaluation.measures.extremes import SAMPLES
from landscape_cli.evaluation.measures.refusals import refuse_run
from landscape_cli.evaluation.spectrum.lanczos import ROUNDING
from landscape_cli.geometry.parameters import FlatParameters


class PlaneMeasure(PointMeasure):
    """The second derivatives of the mean loss along the axes, from one product for each axis.

    ``hessian_xx``, ``hessian_xy`` and ``hessian_yy`` are d_x^T H d_x and so on, for the directions
    d_x and d_y of the surface: in loss per square unit of the axes. For smooth networks they are
    the surface's own curvature; for ReLU networks, the curvature between its kinks.

    The stated error is an estimate of rounding, which for the mixed derivative also comes from the
    difference of d_x^T (H d_y) and d_y^T (H d_x).

    Attributes:
        samples: the number of samples.
        quantity: the objective's value; the first if left out.
    """

    kind: Literal["plane"] = "plane"
    samples: Samples = Field(default=SAMPLES)
    quantity: str | None = None

    def check(
        self, moved_buffers: Collection[str], recalibrated: bool, precision: str = "fp32"
    ) -> None:
        """Refuse what has no Hessian by the parameters alone, or not precisely enough."""
        refuse_run("plane", "Hessian", moved_buffers, recalibrated, precision)

    def products(self, parameters: FlatParameters, axes: int) -> int:
        """Count one product for each axis."""
        return axes

    def measure(self, view: PointView) -> Found:
        """Multiply the directions with the Hessian at the point."""
        tangents = view.slice_.tangents(view.coordinates)
        if tangents is None:
            raise UsageError(
                "measures.plane: this kind of slice has no tangents; drop the measure, or use a "
                "slice of kind affine"
            )
        hessian = view.derivatives(self.quantity)
        axes = list(tangents)
        vectors = torch.stack([hessian.variables.joined(tangents[axis]) for axis in axes])
        finite = math.isfinite(hessian.loss())
        products = hessian(vectors) if finite else torch.full_like(vectors, math.nan)
        both = vectors @ products.T
        found = {}
        for i, j in combinations_with_replacement(range(len(axes)), 2):
            name = f"hessian_{axes[i]}{axes[j]}"
            error = _error(vectors[[i, j]], products[[i, j]], torch.finfo(hessian.dtype).eps)
            found[name] = (
                float(both[i, j] + both[j, i]) / 2,
                max(error, abs(float(both[i, j] - both[j, i]))),
            )
        return found


def _error(vectors: Tensor, products: Tensor, eps: float) -> float:
    """Estimate how far rounding moves an inner product."""
    return ROUNDING * eps * float(vectors.norm(dim=1).max() * products.norm(dim=1).max())
