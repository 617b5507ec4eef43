"""The contract of a measure, and the view of a point that it gets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.derivatives.derivatives import Derivatives, ignore, local
from landscape_cli.evaluation.derivatives.local_sums import LocalSums, nothing
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.derivatives.variables import Variables, choose_names
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.base import Slice
from landscape_cli.problems.problem import Objective

Found = Mapping[str, tuple[float, float]]
"""Values with their numerical errors, by name; NaN for an unknown error."""

Samples = int | Literal["all"]
"""The number of samples that a measure is computed on."""


@dataclass
class Workspace:
    """State that the measures of one rank keep from point to point.

    Attributes:
        keep_basis: False if memory has no room for the vectors of Lanczos's algorithm.
        rewrite: writes the current point again if the model has changed.
        after: called with the number of products just done.
        notes: remarks on how the current points were computed.
        sums: sums over batches by data, their arrangement, quantity and choice of parameters.
    """

    keep_basis: bool = True
    rewrite: Callable[[], None] = nothing
    after: Callable[[int], None] = ignore
    notes: list[str] = field(default_factory=list)
    sums: dict[tuple[object, ...], LocalSums] = field(default_factory=dict)


@dataclass(frozen=True)
class PointView:
    """View of a point of the slice for measures, on one rank.

    The model is in eval mode and holds the point's parameters. Gradients are recorded, batch norm
    is not folded, the model is not compiled, and it computes in the parameters' precision.

    Args:
        model: the network.
        parameters: the tensors of the model that the slice moves, at this point.
        objective: ``(model, batch) -> {name: Tensor[n]}``.
        data: the batches of the measure's samples, in the same order each time.
        slice_: the slice.
        coordinates: of the point.
        workspace: what is kept from point to point.
    """

    model: nn.Module
    parameters: FlatParameters
    objective: Objective
    data: SplitData
    slice_: Slice
    coordinates: tuple[float, ...]
    workspace: Workspace = field(default_factory=Workspace)

    def derivatives(self, quantity: str | None = None, parameters: str = "all") -> Derivatives:
        """Return the mean loss at the point, with its gradient and Hessian.

        Args:
            quantity: the objective's value; the first if None.
            parameters: ``all`` or ``weights``, see ``choose_names``.

        Raises:
            ProblemError: if the parameters' precision is too low.
        """
        work = self.workspace
        key = id(self.data), self.data.arrangement, quantity, parameters
        if key not in work.sums:
            names = choose_names(self.parameters, parameters)
            work.sums[key] = LocalSums(
                MeanLoss(self.model, self.objective, quantity, self.data.name),
                Variables(self.model, self.parameters, names),
                self.data,
                before=lambda: work.rewrite(),
            )
        found = local(work.sums[key])
        found.after = work.after
        return found


class PointMeasure(BaseModel, ABC):
    """Numbers of a point, computed after the means and stored beside them.

    A file holds each number in ``/values/<split>/<name>`` and its numerical error in ``/stderr``.

    Attributes:
        kind: the name in ``MEASURES``.
        split: the split whose data is used; the first evaluated split if left out.
        samples: the number of samples, stratified by class, or ``all`` that are evaluated.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str
    split: str | None = None
    samples: Samples = Field(default="all")

    def settings(self) -> dict[str, Any]:
        """Return the settings as a file's configuration has them."""
        values = self.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
        if self.samples == type(self).model_fields["samples"].default:
            del values["samples"]  # so that files equal those of versions without it
        return values

    def check(
        self, moved_buffers: Collection[str], recalibrated: bool, precision: str = "fp32"
    ) -> None:
        """Refuse a run in which the measure would not describe the surface.

        Args:
            moved_buffers: names of the buffers that the slice moves besides parameters.
            recalibrated: True if batch norm's statistics are re-estimated at each point.
            precision: of the run's forward passes.

        Raises:
            UsageError: naming the key, the value and the remedy.
        """

    def brief(self) -> PointMeasure:
        """Return a measure with only a few of the products, to estimate what all take."""
        return self

    def products(self, parameters: FlatParameters, axes: int) -> int:
        """Count the products with a matrix that a point takes, for progress and estimates.

        Args:
            parameters: those that the slice moves.
            axes: the number of axes of the grid.
        """
        return 0

    @abstractmethod
    def measure(self, view: PointView) -> Found:
        """Compute the numbers of a point.

        Raises:
            ProblemError: if the objective does not allow it.
        """
