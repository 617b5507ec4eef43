"""Reading of a graph: what its operations demand of channels, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.fx import GraphModule, Node

from landscape_cli.alignment.channels import length
from landscape_cli.alignment.rules import RULES, Call, unknown
from landscape_cli.alignment.rules.base import values_in
from landscape_cli.alignment.values import Value


def storage_of(tensor: Tensor) -> int:
    """Return the address of the memory that holds a tensor; 0 if there is none."""
    if tensor.layout is not torch.strided or tensor.is_meta:
        return 0
    return int(tensor.untyped_storage().data_ptr())


class Reader:
    """Reads a graph, operation by operation."""

    def __init__(
        self,
        graph: GraphModule,
        tensors: Mapping[str, Tensor],
        values: Mapping[str, Value],
        strange: dict[str, int],
    ) -> None:
        self._graph, self._strange = graph, strange
        self._memory = {storage_of(tensor): values[name] for name, tensor in tensors.items()}
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
        owner = self._memory.get(storage_of(tensor))
        if owner is not None and storage_of(tensor):
            owner.pin()
        return Value.unknown(tuple(tensor.shape))

    def _called(self, node: Node) -> Any:
        arguments = self._arguments(node.args)
        target: Any = node.target
        if getattr(target, "__name__", "") == "getitem":
            return arguments[0][arguments[1]]
        schema = getattr(target, "_schema", None)
        shapes = _shapes(node.meta.get("val"))
        if schema is None or shapes is None or _has_opaque([arguments, node.kwargs]):
            _pin_all([arguments, self._arguments(node.kwargs)])
            self._strange[str(target)] += 1
            if shapes is None:
                return _Opaque()
            found = [Value.unknown(shape) for shape in shapes]
            return found if isinstance(node.meta["val"], list | tuple) else found[0]
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
        for argument in schema.arguments:
            if argument.alias_info is not None and argument.alias_info.is_write:
                for value in values_in(ordered[argument.name]):
                    value.constant = False
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


def _has_opaque(arguments: Any) -> bool:
    if isinstance(arguments, list | tuple):
        return any(map(_has_opaque, arguments))
    return isinstance(arguments, _Opaque)


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
