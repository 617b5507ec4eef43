"""Limits for YAML from anywhere: how long, how deep, how often repeated; and no key twice.

A few lines of aliases to aliases describe billions of values, and thousands of brackets exhaust the
stack of a recursive reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

MOST_CHARACTERS = 1 << 20
"""Upper bound on the length of a text."""

MOST_VALUES = 100_000
"""Upper bound on the number of values, and on the number of those that aliases repeat."""

DEEPEST = 100
"""Upper bound on how deeply lists and mappings may be nested."""

LONGEST_NUMBER = 400
"""Upper bound on the number of characters of a number; YAML has them in base 60, too."""

NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
MERGE = "tag:yaml.org,2002:merge"


def check_limits(text: str | bytes, loader: Any) -> None:
    """Refuse a text that is long, deep, or repeats many values by aliases.

    Args:
        text: the YAML.
        loader: the class that is going to load it, whose parser is used.

    Raises:
        ValueError: if it exceeds a limit.
        yaml.YAMLError: if it is not YAML.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"{len(text)} characters are more than {MOST_CHARACTERS}")
    sizes: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []
    values = repeated = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            open_.append((event.anchor, values + repeated))
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            anchor, before = open_.pop()
            if anchor is not None:
                sizes[anchor] = values + repeated - before + 1
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_):
                raise ValueError(f"the alias *{event.anchor} is part of what it repeats")
            repeated += sizes.get(event.anchor or "", 0)
        elif isinstance(event, yaml.ScalarEvent) and event.anchor is not None:
            sizes[event.anchor] = 1
        values += isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
        _check_counts(len(open_), values, repeated)


def check_keys(value: Any) -> None:
    """Refuse mappings with keys that JSON does not have, such as dates.

    Raises:
        ValueError: naming the key.
    """
    for key in value if isinstance(value, dict) else ():
        if not isinstance(key, (str, int, float, type(None))):
            raise ValueError(f"{key!r} is not a key that a configuration can have")
    inner = value.values() if isinstance(value, dict) else value
    for one in inner if isinstance(value, (dict, list)) else ():
        check_keys(one)


def _check_counts(depth: int, values: int, repeated: int) -> None:
    if depth > DEEPEST:
        raise ValueError(f"lists and mappings are nested more than {DEEPEST} times")
    if values > MOST_VALUES:
        raise ValueError(f"there are more than {MOST_VALUES} values")
    if repeated > MOST_VALUES:
        raise ValueError(f"its aliases repeat more than {MOST_VALUES} values")


class CheckedNodes:
    """Mix-in for a loader that refuses long numbers, and a key that a mapping has twice."""

    def get_single_node(self) -> Any:
        """Return the document's root node.

        Raises:
            yaml.MarkedYAMLError: naming the value, or the key and both lines.
        """
        root = super().get_single_node()  # type: ignore[misc]
        for node in _nodes(root):
            if isinstance(node, MappingNode):
                _check_unique(node)
            elif node.tag in NUMBERS and len(node.value) > LONGEST_NUMBER:
                raise yaml.MarkedYAMLError(
                    problem=f"a number has more than {LONGEST_NUMBER} digits",
                    problem_mark=node.start_mark,
                )
        return root


def _check_unique(mapping: MappingNode) -> None:
    known: dict[tuple[str, str], ScalarNode] = {}
    for key, _ in mapping.value:
        if not isinstance(key, ScalarNode) or key.tag == MERGE:
            continue
        first = known.setdefault((key.tag, key.value), key)
        if first is not key:
            line = first.start_mark.line + 1
            raise yaml.MarkedYAMLError(
                problem=f"the key {key.value!r} is there twice, first at line {line}; drop one",
                problem_mark=key.start_mark,
            )


def _nodes(root: Node | None) -> Iterator[Node]:
    """Yield each node below a node once."""
    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif not isinstance(node, ScalarNode):
            waiting += node.value
