"""The measures of a run, evaluated at the points of tiles on one rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from landscape_cli.evaluation.data.cache import Room
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.derivatives.derivatives import ignore
from landscape_cli.evaluation.measures.base import PointMeasure, PointView, Samples, Workspace
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.records.tiles import Quantity, Tile

if TYPE_CHECKING:
    from landscape_cli.evaluation.evaluator import Evaluator

Key = tuple[str, Samples]
"""A split, and the number of its samples."""


class PointMeasures:
    """Measures with the samples that they are computed on.

    Args:
        measures: the measures, in the order in which they are evaluated.
        data: samples of splits that are not those of the means.
        axes: the number of axes of the grid.

    Attributes:
        done: the number of products at the current point.
        after: called with that number after each.
        workspace: what measures keep from point to point.
    """

    def __init__(
        self,
        measures: Sequence[PointMeasure] = (),
        data: Mapping[Key, SplitData] | None = None,
        axes: int = 2,
    ) -> None:
        self.all = tuple(measures)
        self.data = dict(data or {})
        self.axes = axes
        self.workspace = Workspace()
        self.done = 0
        self.after: Callable[[int], None] = ignore
        self.workspace.after = self._count

    def load(self, room: Room) -> None:
        """Load the samples that the means are not over."""
        for data in self.data.values():
            for _ in data.load(room):
                pass

    def products(self, parameters: FlatParameters) -> int:
        """Count the products with a matrix that a point takes."""
        return sum(one.products(parameters, self.axes) for one in self.all)

    def briefly(self, measures: Sequence[PointMeasure] | None = None) -> PointMeasures:
        """Return measures on the same samples, with a few products each; all of them if None."""
        chosen = self.all if measures is None else measures
        brief = PointMeasures([one.brief() for one in chosen], self.data, self.axes)
        brief.workspace.keep_basis = self.workspace.keep_basis
        return brief

    def at(self, evaluator: Evaluator, tile: Tile) -> dict[Quantity, NDArray[np.float64]]:
        """Return values and errors of the measures, of shape (points, 2), by quantity.

        For derivatives, the model is neither folded nor compiled, computes in full precision, and
        records gradients.
        """
        measured: dict[Quantity, NDArray[np.float64]] = {}
        if not self.all:
            return measured
        # Second derivatives keep twice as much of a forward pass.
        size = max(1, evaluator.settings.micro_batch // 2)
        for data in self.data.values():
            data.arrange(size, channels_last=False)
        for point, coordinates in enumerate(tile.coordinates):
            self.done = 0
            for number, measure in enumerate(self.all):
                if number == 0 or evaluator.state.drifted():
                    with torch.no_grad():
                        evaluator.write(coordinates)
                view = self.view(evaluator, measure)
                for name, pair in measure.measure(view).items():
                    empty = np.full((len(tile.indices), 2), np.nan)
                    measured.setdefault((view.data.name, name), empty)[point] = pair
        return measured

    def view(self, evaluator: Evaluator, measure: PointMeasure) -> PointView:
        """Return a measure's view of the point that the evaluator is at."""
        coordinates = evaluator.point

        def rewrite() -> None:
            if evaluator.state.drifted():
                with torch.no_grad():
                    evaluator.write(coordinates)

        self.workspace.rewrite = rewrite
        split = measure.split or evaluator.first_split.name
        data = self.data.get((split, measure.samples), evaluator.splits[split])
        return PointView(
            evaluator.model,
            evaluator.parameters,
            evaluator.objective,
            data,
            evaluator.slice,
            coordinates,
            self.workspace,
        )

    def take_notes(self) -> tuple[str, ...]:
        """Return the remarks since the last call."""
        notes = list(self.workspace.notes)
        self.workspace.notes.clear()
        for sums in self.workspace.sums.values():
            notes += sums.notes
            sums.notes.clear()
        return tuple(dict.fromkeys(notes))

    def _count(self, products: int) -> None:
        self.done += products
        self.after(self.done)
