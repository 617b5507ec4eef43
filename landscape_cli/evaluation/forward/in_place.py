"""ReLUs and sums that overwrite what a layer has computed, where nothing else reads it.

A new tensor for each of them is memory that the processor has to fetch, which takes a sixth of the
time of a ResNet in float32. The graph of the forward pass (``torch.fx``) tells which tensors are
read once. Values keep their bits. A model that can't be traced computes as ever.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node, Proxy, Tracer
from torch.nn import functional

from landscape_cli.evaluation.forward.convolutions.folding import CONVOLUTIONS, NORMS

LAYERS = frozenset((*CONVOLUTIONS, *NORMS, nn.Linear))
"""Modules whose outputs are tensors of their own."""

RELUS = frozenset((torch.relu, functional.relu, nn.ReLU, "relu"))
SUMS = frozenset((operator.add, torch.add, "add"))
"""Functions, modules and methods that compute a ReLU and a sum in new memory."""

MINUS_INFINITY = -128
"""The bits of this number in bfloat16, as an integer; those of negative numbers are no larger,
those of all others and of NaN are."""

FASTER = (torch.float32, torch.float64)
"""Dtypes in which PyTorch adds in place faster than in new memory."""

CHANGES = (
    *(operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv),
    *(operator.imod, operator.ipow, operator.imatmul, operator.iand, operator.ior, operator.ixor),
    *(operator.ilshift, operator.irshift),
)
"""Operators that change their first argument."""

CALLS = ("call_function", "call_method")
"""Kinds of a graph's nodes that call what they are named after."""


class InPlace:
    """A model's forward pass with operations in place, which can be switched on and off.

    Args:
        model: a model in eval mode whose forward pass leaves it as it was.
        folded: norms that may be folded, and then return what they are given.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
        >>> len(InPlace(model))
        1
    """

    def __init__(self, model: nn.Module, folded: Collection[nn.Module] = ()) -> None:
        self._model: Any = model
        self._forward: Forward | None = None
        self._operations = 0
        self.attached = False
        try:
            with torch.no_grad():
                graph = _Tracer().trace(model)
            operations = _Rewriting(graph, model, folded).operations
            if operations:
                self._forward = Forward(model, GraphModule(model, graph))
                self._operations = operations
        except Exception:  # anything that a user's code may raise when given no numbers
            return

    def __len__(self) -> int:
        return self._operations

    def attach(self) -> None:
        """Let the model compute in place."""
        if self._forward is not None:
            self._model.forward = self._forward
        self.attached = True

    def detach(self) -> None:
        """Let it compute as it does by itself."""
        vars(self._model).pop("forward", None)
        self.attached = False


class Forward:
    """A traced forward pass; the model's own for derivatives, and where the traced one fails.

    Args:
        model: the model.
        traced: the model's graph, of the same layers.
    """

    def __init__(self, model: Any, traced: GraphModule) -> None:
        self._model = model
        self._traced = traced

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute what the model's own forward pass does."""
        if not torch.is_grad_enabled():
            try:
                return self._traced.forward(*args, **kwargs)
            except Exception:  # such as an argument that was left out when the model was traced
                pass
        return type(self._model).forward(self._model, *args, **kwargs)


def relu(own: Tensor) -> Tensor:
    """Compute the ReLU of a tensor that nothing else reads, in its memory.

    Numbers in bfloat16 are compared as integers, which takes a third of the time.

    Example:
        >>> relu(torch.tensor([1.5, -1.5, -torch.inf, torch.nan]).bfloat16()).tolist()
        [1.5, 0.0, 0.0, nan]
    """
    if own.dtype == torch.bfloat16:
        torch.threshold_(own.view(torch.int16), MINUS_INFINITY, 0)
        return own
    return own.relu_()


def add(own: Any, other: Any) -> Any:
    """Add to a tensor that nothing else reads, in its memory if that fits and is no slower.

    Example:
        >>> own = torch.ones(2)
        >>> add(own, torch.ones(2)) is own, add(own, torch.ones(3, 2)) is own
        (True, False)
    """
    tensors = isinstance(own, Tensor) and isinstance(other, Tensor)
    if tensors and own.shape == other.shape and own.dtype == other.dtype in FASTER:
        return own.add_(other)
    return own + other


class _Proxy(Proxy):
    """A stand-in for a tensor in a trace, where ``x += y`` changes x, as it does to a tensor.

    PyTorch's own makes a new x of it, and other names for the same tensor would keep the old one.
    """


def _changing(function: Any) -> Any:
    """Return a method that notes a call of an operator which changes its first argument."""

    def change(proxy: Any, other: Any) -> Any:
        return proxy.tracer.create_proxy("call_function", function, (proxy, other), {})

    return change


for _function in CHANGES:
    setattr(_Proxy, f"__{_function.__name__}__", _changing(_function))


class _Tracer(Tracer):
    """A tracer that leaves other threads alone: they may be reading data through modules."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def proxy(self, node: Node) -> Proxy:
        return _Proxy(node, self)

    def call_module(
        self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


class _Rewriting:
    """The replacement of a graph's operations by those in place.

    Args:
        graph: the graph, which is changed.
        model: the model that was traced.
        folded: norms that may return what they are given.

    Attributes:
        operations: the number of operations replaced.
    """

    def __init__(self, graph: Graph, model: nn.Module, folded: Collection[nn.Module]) -> None:
        self._model = model
        self._passing = frozenset((*folded, operator.iadd))  # they may return their first input
        self.operations = 0
        for node in list(graph.nodes):
            if self._kind(node) in RELUS and len(node.all_input_nodes) == 1:
                (values,) = node.all_input_nodes
                if self._is_own(values):
                    self._replace(graph, node, relu, values)
            elif _adds_two(node) and self._kind(node) in SUMS:
                for own, other in (node.args, node.args[::-1]):
                    if self._is_own(own):
                        self._replace(graph, node, add, own, other)
                        break

    def _called(self, node: Node) -> Any:
        """Return the function, the module, or the method's name that a node calls."""
        if node.op == "call_module":
            return self._model.get_submodule(str(node.target))
        return node.target if node.op in CALLS else None

    def _kind(self, node: Node) -> Any:
        """Return what a node calls; of a module, its type."""
        called = self._called(node)
        return type(called) if isinstance(called, nn.Module) else called

    def _is_own(self, node: Node) -> bool:
        """Tell whether a node's value is a tensor of its own, and is read once."""
        if len(node.users) != 1:
            return False
        if self._called(node) in self._passing:
            return self._is_own(node.all_input_nodes[0])
        return self._kind(node) in LAYERS | SUMS | {add}

    def _replace(self, graph: Graph, node: Node, target: Any, *args: Any) -> None:
        with graph.inserting_before(node):
            new = graph.call_function(target, args)
        node.replace_all_uses_with(new)
        graph.erase_node(node)
        self.operations += 1


def _adds_two(node: Node) -> bool:
    """Tell whether a node has two nodes for arguments, and no options."""
    two = len(node.args) == 2 and not node.kwargs
    return two and all(isinstance(each, Node) for each in node.args)
