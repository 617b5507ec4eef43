"""The largest and the smallest eigenvalue of the Hessian."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal

from pydantic import Field

from landscape_cli.evaluation.derivatives.variables import choose_names
from landscape_cli.evaluation.measures.base import Found, PointMeasure, PointView, Samples
from landscape_cli.evaluation.measures.refusals import refuse_run
from landscape_cli.evaluation.spectrum.extremes import STEPS, extremes
from landscape_cli.evaluation.spectrum.operator import NotFiniteError
from landscape_cli.evaluation.spectrum.start_vectors import gaussian
from landscape_cli.geometry.parameters import FlatParameters

SAMPLES = 512
"""Number of samples that a Hessian is computed on, unless another is given."""

LARGEST, SMALLEST = "hessian_max", "hessian_min"


class ExtremesMeasure(PointMeasure):
    """Both ends of the Hessian's spectrum: Li et al. 2018, section 6 and figure 7.

    ``hessian_max`` and ``hessian_min`` are eigenvalues of the mean loss's Hessian by the raw
    parameters, from one run of Lanczos's algorithm with a fixed number of steps, of one product
    each. The stated error is the larger of the residual and the change over the last ten steps.

    For ReLU networks, this is the Hessian between the kinks: it is not the curvature of a drawn
    surface, to which the kinks contribute.

    Attributes:
        samples: the number of samples.
        quantity: the objective's value; the first if left out.
        steps: the number of steps; more make the smaller end more exact.
        seed: of the first vector, which is the same at all points.
        parameters: ``all``, or ``weights``: those of more than one dimension, as Li et al. take.
    """

    kind: Literal["extremes"] = "extremes"
    samples: Samples = Field(default=SAMPLES)
    quantity: str | None = None
    steps: int = Field(default=STEPS, ge=2)
    seed: int = 1
    parameters: Literal["all", "weights"] = "all"

    def check(
        self, moved_buffers: Collection[str], recalibrated: bool, precision: str = "fp32"
    ) -> None:
        """Refuse what has no Hessian by the parameters alone, or not precisely enough."""
        refuse_run("extremes", "Hessian", moved_buffers, recalibrated, precision)

    def products(self, parameters: FlatParameters, axes: int) -> int:
        """Count one product for each step."""
        names = choose_names(parameters, self.parameters)
        return min(self.steps, sum(parameters.views[name].numel() for name in names))

    def brief(self) -> ExtremesMeasure:
        """Return a measure of four steps."""
        return self.model_copy(update={"steps": min(4, self.steps)})

    def measure(self, view: PointView) -> Found:
        """Run Lanczos's algorithm at the point."""
        hessian = view.derivatives(self.quantity, self.parameters)
        if not math.isfinite(hessian.loss()):
            return {LARGEST: (math.nan, math.nan), SMALLEST: (math.nan, math.nan)}
        start = gaussian(hessian.variables.shapes, self.seed)
        try:
            found = extremes(hessian, start, self.steps, view.workspace.keep_basis)
        except NotFiniteError:
            return {LARGEST: (math.nan, math.nan), SMALLEST: (math.nan, math.nan)}
        return {
            LARGEST: (found.largest, found.largest_error),
            SMALLEST: (found.smallest, found.smallest_error),
        }
