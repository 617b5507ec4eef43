"""Groups of points with one forward pass for all, which fills a GPU with small networks.

The weights of a group's points are stacked, and ``torch.func`` runs the objective for all of them
by batched kernels. A group always has the same size, so that kernels, and thus a point's bits, do
not depend on how many points a tile has; unused places repeat a point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from landscape_cli.evaluation.objective_values import is_pair
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.problems.problem import Objective


class Group:
    """The stacked parameters of several points, and their values by one forward pass.

    Args:
        model: the model; its buffers and all else are shared by the points.
        parameters: the model's own parameters.
        objective: ``(model, batch) -> {name: Tensor[n]}``.
        size: the number k of points.
    """

    def __init__(
        self, model: nn.Module, parameters: FlatParameters, objective: Objective, size: int
    ) -> None:
        self.size = size
        self._parameters = parameters
        self._call = _Call(model, objective)
        self._rows = {
            place: buffer.new_zeros(size, len(buffer))
            for place, buffer in parameters.buffers.items()
        }
        self._stacked: dict[str, Tensor] = {}
        for name, view in parameters.views.items():
            (place,) = (p for p, one in parameters.buffers.items() if _holds(one, view))
            start = view.storage_offset()
            rows = self._rows[place][:, start : start + view.numel()]
            self._stacked[f"model.{name}"] = rows.view(size, *view.shape)

    def put(self, row: int, last: bool) -> None:
        """Copy the model's current parameters to a row, and to all later ones if it is the last."""
        for place, buffer in self._parameters.buffers.items():
            self._rows[place][row : self.size if last else row + 1] = buffer

    def each(self, batches: Iterable[Any]) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
        """Yield each batch with the objective's values at each point of the group.

        Raises:
            Exception: what ``torch.func.vmap`` raises where a pass can't be batched.
        """
        for batch in batches:
            columns = {name: _unbound(value) for name, value in self._values(batch).items()}
            rows = zip(*columns.values(), strict=True)
            yield batch, [dict(zip(columns, row, strict=True)) for row in rows]

    def agrees(self, batches: Iterable[Any]) -> bool:
        """Tell whether each batch's values have the same bits at all points, which are the same.

        Vectorized functions may compute the last few numbers of a tensor in another way.
        """
        return all(
            torch.equal(part.nan_to_num(), part[:1].expand_as(part).nan_to_num())
            for batch in batches
            for value in self._values(batch).values()
            for part in (value if is_pair(value) else (value,))
        )

    def _values(self, batch: Any) -> Any:
        """Return the objective's values for a batch, each of shape (k, n), or pairs of them."""

        def at_point(weights: dict[str, Tensor]) -> Any:
            return functional_call(self._call, weights, (batch,))

        return vmap(at_point, randomness="error")(self._stacked)


def can_be_stacked(model: nn.Module, parameters: FlatParameters) -> bool:
    """Tell whether all that a slice moves are whole tensors of the model on one device."""
    present = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    whole = set(parameters.views) <= set(present)
    partial = parameters.parts or parameters.complex
    return whole and not partial and len(parameters.devices) == 1


class _Call(nn.Module):
    """An objective of a model as a module, whose parameters can be replaced for a call."""

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model = model
        self._objective = objective

    def forward(self, batch: Any) -> Any:
        """Return the objective's values for a batch."""
        return self._objective(self.model, batch)


def _holds(buffer: Tensor, view: Tensor) -> bool:
    same = buffer.untyped_storage().data_ptr() == view.untyped_storage().data_ptr()
    return same and buffer.dtype == view.dtype


def _unbound(value: Any) -> Iterable[Any]:
    """Return the values of each point, shapes (n,), from (k, n); or pairs of them."""
    if is_pair(value):
        return zip(value[0].unbind(), value[1].unbind(), strict=True)
    unbound: Iterable[Any] = torch.unbind(value)
    return unbound
