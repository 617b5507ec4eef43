"""The model of a problem, made ready to be moved: with values, in memory that can be written."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from landscape_cli.errors import LandscapeError, ProblemError, cause, some
from landscape_cli.evaluation.data.sources import batches_of
from landscape_cli.evaluation.devices import default_micro_batch, has_hooks
from landscape_cli.evaluation.model_state import switches
from landscape_cli.problems.problem import Problem
from landscape_cli.util.tensors import movable

META = (
    "build the model on a real device; or give it values by a checkpoint, with ranks_per_model of "
    "2 or more"
)
"""The remedy for parameters without values."""


def prepare_model(problem: Problem, empty: bool = False) -> None:
    """Give the parameters of a problem's model values and memory of their own, in place.

    Lazy modules get their shapes from the first batch. Tensors made in inference mode are replaced
    by copies. A model whose ``eval()`` changes weights is put into training mode, in which its
    weights are those that a training writes.

    Args:
        problem: the problem.
        empty: accept parameters on the meta device, to which a checkpoint gives values.

    Raises:
        ProblemError: if a parameter has no values or can't be moved, naming it and the remedy.
    """
    model = problem.model
    initialize(problem)
    refuse = (
        (_is_meta, *_offloaded(model)),
        (_is_sparse, "sparse", "make it dense with to_dense()"),
        (_is_wrapper, "of a tensor subclass", "use plain tensors: dequantize, or gather shards"),
    )
    for wrong, what, remedy in refuse[1:] if empty else refuse:
        names = [name for name, tensor in _tensors(model) if wrong(tensor)]
        if names:
            are = "is" if len(names) == 1 else "are"
            raise ProblemError(f"Problem.model: {some(names)} {are} {what}; {remedy}")
    _replace_inference_tensors(model)
    if not any(movable(parameter) for parameter in model.parameters()):
        frozen = isinstance(model, torch.jit.ScriptModule)
        why = " (torch.jit.freeze makes constants of them)" if frozen else ""
        raise ProblemError(
            f"Problem.model: it has no floating-point or complex parameters to perturb{why}"
        )
    if switches(model):
        model.train()


def initialize(problem: Problem) -> None:
    """Initialize lazy modules by a forward pass over the first batch."""
    model = problem.model
    if not any(is_lazy(tensor) for _, tensor in _tensors(model)):
        return
    name, split = next(iter(problem.splits.items()))
    model.eval()
    try:
        with torch.no_grad():
            size = default_micro_batch(torch.device("cpu"))
            problem.objective(model, next(iter(batches_of(name, split, size))))
    except LandscapeError:
        raise
    except Exception as error:
        raise ProblemError(
            "Problem.model: its lazy modules could not be initialized with the first batch of "
            f"split {name!r}: {cause(error)}; run the model once before it is returned"
        ) from error
    model.train()
    lazy = [name for name, tensor in _tensors(model) if is_lazy(tensor)]
    if lazy:
        raise ProblemError(
            f"Problem.model: {some(lazy)} is still without shape after a forward pass; leave out "
            "lazy modules that are not used"
        )


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.named_parameters()
    yield from model.named_buffers()


def _is_meta(tensor: Tensor) -> bool:
    return tensor.is_meta


def _offloaded(model: nn.Module) -> tuple[str, str]:
    """Return why parameters are on the meta device, and the remedy."""
    if has_hooks(model):
        return (
            "offloaded to the host or to disk, where a slice can't move them",
            "let device_map use devices that hold the whole model",
        )
    return "on the meta device, without values", META


def _is_sparse(tensor: Tensor) -> bool:
    return movable(tensor) and tensor.layout is not torch.strided


def _is_wrapper(tensor: Tensor) -> bool:
    return movable(tensor) and is_traceable_wrapper_subclass(tensor)


def _replace_inference_tensors(model: nn.Module) -> None:
    """Replace tensors made in inference mode, which PyTorch does not let others write to."""
    copies: dict[int, Tensor] = {}
    for module in model.modules():
        if isinstance(module, torch.jit.ScriptModule):
            continue
        for table in (module._parameters, module._buffers):
            for name, tensor in table.items():
                if tensor is None or not tensor.is_inference():
                    continue
                if id(tensor) not in copies:
                    copy: Tensor = tensor.detach().clone()
                    if isinstance(tensor, nn.Parameter):
                        copy = nn.Parameter(copy, requires_grad=tensor.requires_grad)
                    copies[id(tensor)] = copy
                table[name] = copies[id(tensor)]  # type: ignore[assignment]
