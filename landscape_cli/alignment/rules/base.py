"""Calls of operations in a graph, and the registry of what they do to channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from landscape_cli.alignment.values import Dimension, Value


@dataclass(frozen=True)
class Call:
    """A call of an operation.

    Args:
        name: of the operation, without the underscore of those that work in place.
        arguments: by the names of its schema, with values in place of tensors.
        shapes: of its results.
        used: places of the results that something uses.
    """

    name: str
    arguments: Mapping[str, Any]
    shapes: Sequence[tuple[int, ...]]
    used: frozenset[int] = field(default=frozenset({0}))

    def __getitem__(self, name: str) -> Any:
        """Return an argument."""
        return self.arguments[name]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument, or a default if the operation has none of this name."""
        return self.arguments.get(name, default)

    @property
    def values(self) -> list[Value]:
        """All tensors among the arguments."""
        return list(values_in(list(self.arguments.values())))

    def first(self, dims: Sequence[Dimension]) -> list[Value]:
        """Return the first result with these dimensions; pin everything if others are used."""
        if self.used - {0}:
            return unknown(self)
        others = [Value.unknown(shape) for shape in self.shapes[1:]]
        return [Value(self.shapes[0], list(dims)), *others]


Rule = Callable[[Call], list[Value]]
"""Restricts the channels of a call's arguments as the operation demands; returns its results."""

RULES: dict[str, Rule] = {}
"""By name, the operations that are known; any other pins all channels that touch it."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a rule for operations."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def unknown(call: Call) -> list[Value]:
    """Pin everything that touches an operation."""
    for value in call.values:
        value.pin()
    return [Value.unknown(shape) for shape in call.shapes]


def values_in(arguments: Any) -> Iterator[Value]:
    """Yield the tensors in nested arguments."""
    if isinstance(arguments, Value):
        yield arguments
    elif isinstance(arguments, list | tuple):
        for one in arguments:
            yield from values_in(one)


def positive(dim: int, rank: int) -> int:
    """Return a dimension counted from the first."""
    return dim + rank if dim < 0 else dim
