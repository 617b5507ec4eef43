"""The structure of batches: containers that are rebuilt, objects whose attributes are looked at.

A batch is a nesting of mappings, tuples and lists. Anything else with attributes is an *object*: a
dataclass, a graph, a class with slots. Containers are rebuilt as the same type around other parts.
Objects are left to themselves, except that their tensors are found.
"""

from __future__ import annotations

import copy
import enum
import io
import logging
import threading
import types
import weakref
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.utils.data import DataLoader, Dataset

from landscape_cli.errors import ProblemError

WORDS = (str, bytes, int, float, complex, np.generic, enum.Enum, date, timedelta, Decimal, PurePath)
"""Types of values that are no containers and say all of themselves when printed."""

CLOSED = (
    *(nn.Module, Dataset, DataLoader, type, weakref.ref, torch.Generator, torch.dtype),
    *(torch.device, types.ModuleType, types.FunctionType, types.MethodType, types.GeneratorType),
    *(logging.Logger, threading.Thread, io.IOBase),
)
"""Types of objects that are not part of a batch's data, even if a batch refers to them."""

Leaf = tuple[str, Any, bool]
"""A place in a batch, the tensor, array or word there, and whether only containers lie above."""


def is_container(value: Any) -> bool:
    """Tell whether a value is rebuilt around its parts, when they are moved.

    A foreign mapping with a method ``to``, such as tensordict's, is an object: it knows its device.
    """
    if isinstance(value, Mapping) and not isinstance(value, dict | UserDict):
        return not hasattr(type(value), "to")
    return isinstance(value, Mapping | tuple | list)


def as_tensor(value: Any) -> Any:
    """Return a NumPy array as a tensor if PyTorch has its dtype; anything else unchanged."""
    if not isinstance(value, np.ndarray) or value.dtype == object:
        return value
    if not value.flags.writeable or any(stride < 0 for stride in value.strides):
        value = value.copy()
    try:
        return torch.from_numpy(value)
    except TypeError:  # strings, dates, records
        return value


def map_parts(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to the direct parts of a container, and return one of the same type.

    Values that are no containers are returned unchanged. No constructor of a foreign type is called
    where its content can be replaced in a copy.

    Raises:
        ProblemError: if a container can't be copied.
    """
    if isinstance(value, PackedSequence):  # whose sizes have to stay on the host
        return value._replace(
            data=function(value.data),
            sorted_indices=function(value.sorted_indices),
            unsorted_indices=function(value.unsorted_indices),
        )
    if isinstance(value, Mapping):
        mapped: Any = {key: function(part) for key, part in value.items()}
        return mapped if type(value) is dict else _like(value, mapped)
    if isinstance(value, tuple | list):
        mapped = [function(part) for part in value]
        exact = type(value) in (tuple, list)
        return type(value)(mapped) if exact else _like(value, mapped)
    return value


def _like(value: Any, mapped: Any) -> Any:
    """Return a container like another one, with other parts."""
    pairs = [(part, mapped[place]) for place, part in items_of(value)]
    if all(old is new for old, new in pairs):
        return value
    try:
        if isinstance(value, tuple) and hasattr(type(value), "_make"):
            return value._make(mapped)  # type: ignore[attr-defined]
        new = _refilled(value, mapped)
        return type(value)(mapped) if new is None else new
    except Exception as error:
        raise ProblemError(
            f"split: a batch holds a {type(value).__name__}, which can't be copied "
            f"({type(error).__name__}: {error}); make batches of dicts, tuples or dataclasses"
        ) from error


def _refilled(value: Any, mapped: Any) -> Any:
    """Copy a mutable container and replace its parts; None if it is not mutable."""
    new = copy.copy(value) if hasattr(type(value), "__setitem__") else value
    if new is value:
        return None
    try:
        if isinstance(value, list):
            new[:] = mapped
        else:
            for key, part in mapped.items():
                new[key] = part
    except TypeError:
        return None
    # A mapping may give its items as attributes too.
    replaced = {id(part): mapped[place] for place, part in items_of(value)}
    for name, part in state_of(new).items():
        if id(part) in replaced:
            object.__setattr__(new, name, replaced[id(part)])
    return new


def items_of(value: Any) -> list[tuple[Any, Any]]:
    """List the parts of a container with their places; empty for anything else."""
    if isinstance(value, Mapping):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, tuple | list) else []


def state_of(value: Any) -> dict[str, Any]:
    """Return the attributes of an object, those in slots included.

    Empty for words, tensors, arrays, and what is not part of a batch's data (``CLOSED``).
    """
    if isinstance(value, (Tensor, np.ndarray, *WORDS, *CLOSED)) or value is None:
        return {}
    state: dict[str, Any] = {}
    for kind in reversed(type(value).__mro__):
        slots = kind.__dict__.get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else tuple(slots):
            private = slot.startswith("__") and not slot.endswith("__")
            name = f"_{kind.__name__.lstrip('_')}{slot}" if private else slot
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                state[name] = getattr(value, name)
    own = getattr(value, "__dict__", {})
    return state | (dict(own) if isinstance(own, dict) else {})


def leaves(value: Any, place: str = "", plain: bool = True) -> Iterator[Leaf]:
    """Yield the tensors, arrays and words of a batch, in order.

    The tensors of an object are those among its attributes, at any depth. If it has none, it is
    asked for an array (``__array__``, ``__array_interface__``) or a mapping (``to_dict()``).
    Words that form a sequence share its place, so that places don't depend on how samples are
    divided into batches.

    Args:
        value: a batch, or a part of it.
        place: the place of the part.
        plain: whether only containers lie above the part.
    """
    return _leaves(value, place, plain, set())


def _leaves(value: Any, place: str, plain: bool, above: set[int]) -> Iterator[Leaf]:
    value = as_tensor(value) if plain else value
    if isinstance(value, (Tensor, np.ndarray, *WORDS)):
        yield place, value, plain
        return
    if value is None or isinstance(value, CLOSED) or id(value) in above:
        return
    above = above | {id(value)}
    if isinstance(value, set | frozenset):
        yield from ((place, word, plain) for word in sorted(map(repr, value)))
        return
    parts = items_of(value)
    words = not isinstance(value, Mapping) and all(isinstance(part, WORDS) for _, part in parts)
    seen: set[int] = set()
    for key, part in parts:
        inner = place if words else f"{place}/{_name(key)}"
        for leaf in _leaves(part, inner, plain, above):
            seen.add(id(part if isinstance(part, np.ndarray) else leaf[1]))
            yield leaf
    if type(value) in (dict, tuple, list) or isinstance(value, PackedSequence):
        return
    found = bool(parts)
    for name, part in state_of(value).items():
        for leaf in _leaves(part, f"{place}.{name}", False, above):
            found |= isinstance(leaf[1], Tensor | np.ndarray)
            if id(leaf[1]) not in seen:
                yield leaf
    if not found:
        yield from _converted(value, place, above)


def _converted(value: Any, place: str, above: set[int]) -> Iterator[Leaf]:
    """Yield the leaves of what an object is converted to, or its type."""
    yield place, type(value).__qualname__, False
    # Types are asked, because the attributes of an instance may be made up by its class.
    if hasattr(type(value), "__array__") or hasattr(type(value), "__array_interface__"):
        yield place, np.asarray(value), False
    elif callable(getattr(type(value), "to_dict", None)):
        yield from _leaves(value.to_dict(), place, False, above)


def _name(key: Any) -> str:
    """Name a key, without the address of an object."""
    return repr(key) if isinstance(key, (*WORDS, tuple)) else type(key).__qualname__
