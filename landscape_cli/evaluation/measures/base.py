"""The contract of a measure, and the view of a point that it gets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from torch import nn

from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.base import Slice
from landscape_cli.problems.problem import Objective

Found = Mapping[str, tuple[float, float]]
"""Values with their numerical errors, by name; NaN for an unknown error."""


@dataclass(frozen=True)
class PointView:
    """View of a point of the slice for measures, on one rank.

    The model is in eval mode and holds the point's parameters. Gradients are recorded, batch norm
    is not folded, the model is not compiled, and it computes in the parameters' precision.

    Args:
        model: the network.
        parameters: the tensors of the model that the slice moves, at this point.
        objective: ``(model, batch) -> {name: Tensor[n]}``.
        data: the batches of the measure's split, in the same order each time.
        slice_: the slice.
        coordinates: of the point.
    """

    model: nn.Module
    parameters: FlatParameters
    objective: Objective
    data: SplitData
    slice_: Slice
    coordinates: tuple[float, ...]


class PointMeasure(BaseModel, ABC):
    """Numbers of a point, computed after the means and stored beside them.

    A file holds each number in ``/values/<split>/<name>`` and its numerical error in ``/stderr``.

    Attributes:
        kind: the name in ``MEASURES``.
        split: the split whose data is used; the first evaluated split if left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str
    split: str | None = None

    def check(self, moved_buffers: Collection[str], recalibrated: bool) -> None:
        """Refuse a run in which the measure would not describe the surface.

        Args:
            moved_buffers: names of the buffers that the slice moves besides parameters.
            recalibrated: True if batch norm's statistics are re-estimated at each point.

        Raises:
            UsageError: naming the key, the value and the remedy.
        """

    @abstractmethod
    def measure(self, view: PointView) -> Found:
        """Compute the numbers of a point.

        Raises:
            ProblemError: if the objective does not allow it.
        """
