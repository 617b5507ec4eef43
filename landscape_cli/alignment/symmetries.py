"""The permutation symmetries of a network: which axes of its tensors are permuted together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from landscape_cli.alignment.channels import Bundle, Family, Layout, length, resolve
from landscape_cli.alignment.rules import RULES, Call, unknown
from landscape_cli.alignment.tracing import Inputs, own_tensors, trace
from landscape_cli.alignment.values import Value


@dataclass(frozen=True)
class Symmetries:
    """Axes of a network's tensors, and the bundles that permute them.

    Args:
        axes: for each entry of the state dict, the layout of each dimension.
        bundles: those that permute something.
        aliases: other names of tensors, with the name under which they are matched.
        unknown: names of operations of which nothing is known, with how often they occur.
    """

    axes: Mapping[str, Sequence[Layout]]
    bundles: Sequence[Bundle]
    aliases: Mapping[str, str]
    unknown: Mapping[str, int]

    @property
    def matched(self) -> dict[str, Sequence[Layout]]:
        """The axes of each tensor once, under one of its names."""
        return {name: one for name, one in self.axes.items() if name not in self.aliases}

    def members(self, bundle: Bundle) -> list[tuple[str, int]]:
        """Return the axes that a bundle permutes, as (name, dimension)."""
        return [
            (name, dim)
            for name, layouts in self.matched.items()
            for dim, layout in enumerate(layouts)
            if any(one.family is not None and one.family.bundle is bundle for one in layout)
        ]


def find_symmetries(model: nn.Module, calls: Sequence[Inputs]) -> Symmetries:
    """Find the permutations of channels that leave a network's function unchanged.

    Every operation of the graph restricts them by what it demands of its tensors; one of which
    nothing is known pins all channels that touch it.

    Args:
        model: the network.
        calls: what it is called with; several if it is called in several ways.

    Raises:
        ProblemError: if the network can't be traced.
    """
    tensors = own_tensors(model)
    values = _values(tensors)
    strange: dict[str, int] = defaultdict(int)
    used: set[int] = set()
    for inputs in calls:
        used |= _Reader(trace(model, inputs), tensors, values, strange).read()
    stored = {id(tensor) for tensor in model.state_dict(keep_vars=True).values()}
    for name, value in values.items():
        if id(value) not in used or id(tensors[name]) not in stored:
            value.pin()
    return _symmetries(model, values, strange)


def _values(tensors: Mapping[str, Tensor]) -> dict[str, Value]:
    """Return a value for each tensor, the same one for tensors with the same memory.

    Tensors that share some of their memory are pinned.
    """
    values: dict[str, Value] = {}
    owners: dict[int, tuple[Tensor, Value]] = {}
    for name, tensor in tensors.items():
        place = _storage(tensor)
        owner = owners.get(place) if place else None
        if owner is None:
            values[name] = Value.new(tuple(tensor.shape))
            owners[place] = tensor, values[name]
        elif _same_view(tensor, owner[0]):
            values[name] = owner[1]
        else:
            owner[1].pin()
            values[name] = Value.unknown(tuple(tensor.shape))
    return values


def _storage(tensor: Tensor) -> int:
    if tensor.layout is not torch.strided or tensor.is_meta:
        return 0
    return int(tensor.untyped_storage().data_ptr())


def _same_view(one: Tensor, other: Tensor) -> bool:
    return (one.data_ptr(), one.shape, one.stride()) == (
        other.data_ptr(),
        other.shape,
        other.stride(),
    )


def _symmetries(
    model: nn.Module, values: Mapping[str, Value], strange: Mapping[str, int]
) -> Symmetries:
    """Collect what is left of the channels, for every entry of the state dict."""
    state = model.state_dict(keep_vars=True)
    names = {id(tensor): name for name, tensor in own_tensors(model).items()}
    first: dict[int, str] = {}
    axes: dict[str, list[Layout]] = {}
    aliases: dict[str, str] = {}
    for name, tensor in state.items():
        own = names.get(id(tensor)) if isinstance(tensor, Tensor) else None
        if own is None:
            continue
        value = values[own]
        if id(value) in first:
            aliases[name] = first[id(value)]
        first.setdefault(id(value), name)
        value.settle()
        axes[name] = [resolve(value.layout(dim)) for dim in range(len(value.shape))]
    return Symmetries(axes, tuple(_bundles(axes.values())), aliases, dict(strange))


def _bundles(axes: Any) -> Iterator[Bundle]:
    """Yield each bundle that permutes something, in the order of the network's tensors."""
    seen: set[int] = set()
    for family in families_of(axes):
        bundle = family.bundle
        if id(bundle) not in seen and bundle.size * family.width > 1:
            seen.add(id(bundle))
            yield bundle


def families_of(axes: Any) -> Iterator[Family]:
    """Yield the families of the tensors' axes, as often as they occur."""
    for layouts in axes:
        for layout in layouts:
            for segment in layout:
                if segment.family is not None:
                    yield segment.family


class _Reader:
    """Reads a graph, operation by operation."""

    def __init__(
        self,
        graph: GraphModule,
        tensors: Mapping[str, Tensor],
        values: Mapping[str, Value],
        strange: dict[str, int],
    ) -> None:
        self._graph, self._strange = graph, strange
        self._memory = {_storage(tensor): values[name] for name, tensor in tensors.items()}
        self._found: dict[Node, Any] = {}
        self._own = list(values.values())
        self._used: set[int] = set()

    def read(self) -> set[int]:
        """Read all operations; return the ids of the values of tensors that some of them use."""
        own = iter(self._own)
        for node in self._graph.graph.nodes:
            if node.op == "placeholder":
                self._found[node] = next(own, None) or Value.unknown(node.meta["val"].shape)
                if node.users:
                    self._used.add(id(self._found[node]))
            elif node.op == "get_attr":
                self._found[node] = self._constant(node)
            elif node.op == "output":
                _pin_all(self._arguments(node.args))
            elif node.op == "call_function":
                self._found[node] = self._called(node)
        return self._used

    def _constant(self, node: Node) -> Any:
        """Return a tensor that is no parameter or buffer; one with their memory pins them."""
        tensor = getattr(self._graph, str(node.target), None)
        if not isinstance(tensor, Tensor):
            return tensor
        owner = self._memory.get(_storage(tensor))
        if owner is not None and _storage(tensor):
            owner.pin()
        return Value.unknown(tuple(tensor.shape))

    def _called(self, node: Node) -> Any:
        arguments = self._arguments(node.args)
        target: Any = node.target
        if getattr(target, "__name__", "") == "getitem":
            return arguments[0][arguments[1]]
        schema = getattr(target, "_schema", None)
        shapes = _shapes(node.meta.get("val"))
        if schema is None or shapes is None:
            _pin_all([arguments, self._arguments(node.kwargs)])
            self._strange[str(target)] += 1
            return _Opaque()
        call = self._call(node, schema, arguments, shapes)
        results = self._results(call)
        return results if isinstance(node.meta["val"], list | tuple) else results[0]

    def _call(self, node: Node, schema: Any, given: Any, shapes: Any) -> Call:
        names = [argument.name for argument in schema.arguments]
        named = dict(zip(names, given, strict=False)) | self._arguments(dict(node.kwargs))
        defaults = {
            argument.name: argument.default_value
            for argument in schema.arguments
            if argument.has_default_value()
        }
        items = [user.args[1] for user in node.users if user.users and _is_item(user)]
        used = {item for item in items if isinstance(item, int)}
        if any(not _is_item(user) for user in node.users):
            used |= set(range(len(shapes))) if len(shapes) > 1 else {0}
        name = schema.name.partition("::")[2]
        ordered = {one: (defaults | named).get(one) for one in names}
        return Call(_plain(name), ordered, shapes, frozenset(used))

    def _results(self, call: Call) -> list[Value]:
        """Apply an operation's rule."""
        for value in call.values:
            value.tidy()
        rule = RULES.get(call.name)
        if rule is None:
            if any(part is not None for value in call.values for part in value.dims):
                self._strange[call.name] += 1
            return unknown(call)
        results = rule(call)
        if not _fit(results, call.shapes):
            _pin_all(results)
            return unknown(call)
        return results

    def _arguments(self, given: Any) -> Any:
        """Return arguments with values in place of nodes."""
        if isinstance(given, Node):
            return self._found[given]
        if isinstance(given, list | tuple):
            return [self._arguments(one) for one in given]
        if isinstance(given, dict):
            return {key: self._arguments(one) for key, one in given.items()}
        return given


class _Opaque:
    """The result of something that is no operation on tensors."""

    def __getitem__(self, place: Any) -> _Opaque:
        """Return a part of it."""
        return self


def _is_item(node: Node) -> bool:
    return getattr(node.target, "__name__", "") == "getitem"


def _plain(name: str) -> str:
    """Return an operation's name without the underscore of those that work in place."""
    return name if name.startswith("__") else name.removesuffix("_")


def _shapes(result: Any) -> list[tuple[int, ...]] | None:
    """Return the shapes of what an operation returns; None if that is not only tensors."""
    results = result if isinstance(result, list | tuple) else [result]
    if not results or not all(isinstance(one, Tensor) for one in results):
        return None
    return [tuple(map(int, one.shape)) for one in results]


def _fit(results: Sequence[Value], shapes: Sequence[tuple[int, ...]]) -> bool:
    """Tell whether results have the shapes that they should have."""
    return len(results) == len(shapes) and all(
        value.shape == shape
        and len(value.dims) == len(shape)
        and all(
            part is None or (part.axis.sizes[part.place] == size and _complete(value, part))
            for part, size in zip(value.dims, shape, strict=True)
        )
        for value, shape in zip(results, shapes, strict=True)
    )


def _complete(value: Value, part: Any) -> bool:
    sizes = part.axis.sizes
    total = 1
    for size in sizes:
        total *= size
    there = sum(other is not None and other.axis is part.axis for other in value.dims)
    return there == len(sizes) and length(part.axis.layout) == total


def _pin_all(values: Any) -> None:
    if isinstance(values, Value):
        values.pin()
    elif isinstance(values, list | tuple):
        for one in values:
            _pin_all(one)
    elif isinstance(values, dict):
        _pin_all(list(values.values()))
