"""The graph of a network's operations, from a call with real inputs."""

from __future__ import annotations

import logging
import os
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from landscape_cli.errors import ProblemError
from landscape_cli.util.tensors import movable

REMEDY = "describe its channel groups in a file for --groups"


DEPENDENT = ("DataDependentOutputException", "GuardOnDataDependentSymNode")
"""Names of PyTorch's exceptions for code that asks for the value of a tensor."""

LONGEST = 200
"""Largest number of characters of PyTorch's own message that is shown."""

_TORCH = os.path.dirname(torch.__file__)

MOST_CALLS = 16
"""Largest number of calls of a network that are traced, each with inputs of other shapes."""


@dataclass(frozen=True)
class Inputs:
    """The arguments that a network is called with.

    Args:
        args: positional arguments.
        kwargs: keyword arguments.
    """

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def signature(self) -> Any:
        """Return what tells calls apart that may run different operations."""
        leaves, structure = pytree.tree_flatten((self.args, dict(self.kwargs)))
        return str(structure), tuple(
            (tuple(leaf.shape), leaf.dtype) if isinstance(leaf, Tensor) else repr(leaf)
            for leaf in leaves
        )


def capture(model: nn.Module, run: Callable[[], object]) -> list[Inputs]:
    """Record what a network is called with.

    Args:
        model: the network.
        run: calls it, such as an objective on a batch.

    Returns:
        One call of each signature, at most ``MOST_CALLS``.

    Raises:
        ProblemError: if the network is not called, or is of TorchScript.
    """
    if isinstance(model, torch.jit.ScriptModule):
        raise ProblemError(
            f"Problem.model: TorchScript can't be traced; build it as a plain module, or {REMEDY}"
        )
    found: dict[Any, Inputs] = {}

    def note(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        inputs = Inputs(
            *pytree.tree_map_only(Tensor, lambda one: one.detach().clone(), (args, kwargs))
        )
        if len(found) < MOST_CALLS:
            found.setdefault(inputs.signature, inputs)

    handle = model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        run()
    finally:
        handle.remove()
    if not found:
        raise ProblemError(
            "objective: it does not call the model itself, but perhaps parts of it, so that its "
            f"operations can't be traced; {REMEDY}"
        )
    return list(found.values())


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers of a network, each once."""
    return {**dict(model.named_parameters()), **dict(model.named_buffers())}


def trace(model: nn.Module, inputs: Inputs) -> GraphModule:
    """Record the operations of a network in eval mode.

    Nothing is computed: tensors without content are passed through the network, so that its code
    may ask for shapes, but not for values.

    Args:
        model: the network.
        inputs: of one call.

    Returns:
        A graph whose placeholders are the tensors of ``own_tensors``, and then those of the inputs.

    Raises:
        ProblemError: if the operations depend on values, or can't be recorded.
    """
    tensors = own_tensors(model)
    leaves, structure = pytree.tree_flatten((inputs.args, dict(inputs.kwargs)))
    places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]

    def run(*given: Tensor) -> list[Tensor]:
        filled = list(leaves)
        for place, tensor in zip(places, given[len(tensors) :], strict=True):
            filled[place] = tensor
        args, kwargs = pytree.tree_unflatten(filled, structure)
        own = dict(zip(tensors, given, strict=False))
        result = torch.func.functional_call(model, own, args, kwargs)
        return tensors_of(result)

    with unchanged(model):
        try:
            return _record(run, tensors.values(), [leaves[place] for place in places])
        except Exception as error:  # of PyTorch, or of the network's code
            raise ProblemError(
                f"Problem.model: its operations can't be traced: {_reason(error)}; {REMEDY}"
            ) from error


def _reason(error: Exception) -> str:
    """Say why a network can't be traced, and in which line of its code."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith((_TORCH, __file__, "<"))
    ]
    where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    if any(kind.__name__ in DEPENDENT for kind in type(error).__mro__):
        return f"what it does depends on the values of tensors{where}"
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return f"{text[:LONGEST]}{where}"


@contextmanager
def unchanged(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode, and give it back its modes, tensors and attributes."""
    tables = [
        (table, dict(table))
        for module in model.modules()
        for table in (vars(module), module._parameters, module._buffers)
        if isinstance(table, dict)  # TorchScript's are views of its own
    ]
    model.eval()
    try:
        yield
    finally:
        for table, entries in tables:
            table.clear()
            table.update(entries)


def _record(run: Callable[..., Any], own: Any, inputs: Sequence[Tensor]) -> GraphModule:
    # With gradients, PyTorch's transformers run layer by layer and not as one fused operation.
    tensors = [
        tensor.detach().requires_grad_(isinstance(tensor, nn.Parameter) and movable(tensor))
        for tensor in own
    ]
    with warnings.catch_warnings(), _unlogged(), torch.enable_grad():
        warnings.simplefilter("ignore")
        recorder = make_fx(run, tracing_mode="fake", pre_dispatch=True, _allow_non_fake_inputs=True)
        return recorder(*tensors, *(tensor.detach() for tensor in inputs))


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep PyTorch from logging a traceback of what is raised as well."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def tensors_of(result: Any) -> list[Tensor]:
    """Return the tensors in what a network returns, which may be an object with attributes."""
    leaves = pytree.tree_leaves(result)
    found = [leaf for leaf in leaves if isinstance(leaf, Tensor)]
    for leaf in leaves:
        if not isinstance(leaf, Tensor) and hasattr(leaf, "__dict__"):
            found += [one for one in vars(leaf).values() if isinstance(one, Tensor)]
    return found
