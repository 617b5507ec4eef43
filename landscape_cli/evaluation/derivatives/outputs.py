"""A network cut at its outputs: the network's part of the graph, and the objective's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError, cause
from landscape_cli.evaluation.data.batches import map_tensors, tensors_in
from landscape_cli.evaluation.derivatives.differentiation import gradients
from landscape_cli.evaluation.derivatives.mean_loss import BatchLoss, MeanLoss
from landscape_cli.evaluation.derivatives.variables import Variables

REMEDY = (
    "matrix: ggn cuts the network at its outputs, so the objective has to call the model exactly "
    "once and use only what it returns; choose matrix: hessian"
)


@dataclass(frozen=True)
class Cut:
    """Two graphs for one batch: from the parameters to the outputs, and from there to the loss.

    Args:
        outputs: the network's outputs, which depend on the parameters.
        inputs: leaves with the same values, one for each output, that the objective got.
        total: the sum of the objective's values, which depends on the inputs.
    """

    outputs: list[Tensor]
    inputs: list[Tensor]
    total: Tensor


def cut_at_outputs(loss: MeanLoss, batch: Any, variables: Variables) -> Cut:
    """Evaluate a batch with the objective's graph cut off from the network's.

    The objective is called twice: with the model, whose outputs are caught, and with a stand-in
    that returns them.

    Raises:
        ProblemError: if the objective does anything but evaluate the model's outputs once.
    """
    caught: list[Any] = []
    hook = loss.model.register_forward_hook(lambda module, arguments, result: caught.append(result))
    try:
        whole = loss.on(batch)
    finally:
        hook.remove()
    if len(caught) != 1:
        raise ProblemError(f"objective: it calls the model {len(caught)} times; {REMEDY}")
    outputs = [one for one in tensors_in(caught[0]) if one.requires_grad]
    copies = {id(one): one.detach().requires_grad_(True) for one in outputs}
    returned = map_tensors(lambda one: copies.get(id(one), one), caught[0])
    stand_in = _StandIn(loss.model, lambda: returned)
    found = _with(stand_in, loss, batch)
    if stand_in.calls != 1 or not _equal(found.values, whole.values):
        raise ProblemError(f"objective: its values change when its model is replaced; {REMEDY}")
    total, inputs = found.values.sum(), list(copies.values())
    others = gradients(total, variables.leaves, retain_graph=True)
    if not inputs or any(one is not None for one in others):
        raise ProblemError(
            f"objective: its values depend on parameters not only by the model's outputs; {REMEDY}"
        )
    return Cut(outputs, inputs, total)


def _with(stand_in: _StandIn, loss: MeanLoss, batch: Any) -> BatchLoss:
    """Evaluate a batch with the stand-in, in whose place an objective may need a module."""
    try:
        return loss.on(batch, stand_in)
    except (TypeError, AttributeError) as error:
        raise ProblemError(
            f"objective: it fails when its model is replaced ({cause(error)}); {REMEDY}"
        ) from error


class _StandIn:
    """The objective's model in place of the real one: attributes are the same, calls are not."""

    def __init__(self, model: nn.Module, returned: Callable[[], Any]) -> None:
        self._model = model
        self._returned = returned
        self.calls = 0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.calls += 1
        return self._returned()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def _equal(first: Tensor, second: Tensor) -> bool:
    return torch.equal(torch.nan_to_num(first.detach()), torch.nan_to_num(second.detach()))
