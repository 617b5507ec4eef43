"""Moving and copying of objects in batches: by their own methods, or attribute by attribute."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.nesting import items_of, leaves, map_parts, state_of

REMEDY = "give it methods to(device) and clone(), or make batches of dicts, tuples or dataclasses"


def move_object(value: Any, device: torch.device, fresh: bool) -> Any:
    """Return an object whose tensors are on a device; the object itself if they already are.

    The object's own ``to(device)`` or ``clone()`` is called on a shallow copy: it knows more than
    the attributes, and which tensors belong on the host. Without such a method, tensors are
    replaced in a deep copy. The object's NumPy arrays stay as they are.

    Args:
        value: a dataclass, a graph, or any other object.
        device: the device.
        fresh: whether the tensors must be copies.

    Raises:
        ProblemError: if tensors of the object can't be moved or copied.
    """
    old = {id(tensor): tensor for tensor in _tensors(value)}

    def stays(tensor: Tensor) -> bool:
        return tensor.device == device and not (fresh and id(tensor) in old)

    def replace(tensor: Tensor) -> Tensor:
        moved = tensor.to(device)
        return moved.clone() if moved is tensor and not stays(tensor) else moved

    if all(map(stays, old.values())):
        return value
    away = any(tensor.device != device for tensor in old.values())
    found = _by_method(value, *(("to", device) if away else ("clone",)))
    before = sum(map(stays, old.values()))
    if sum(map(stays, _tensors(found))) > before:
        return found
    found = _replaced(value, replace, fresh)
    if sum(map(stays, _tensors(found))) > before:
        return found
    raise _refusal(value, f"whose tensors can't be moved to {device}")


def _parts(value: Any) -> Iterator[Any]:
    """Yield an object and everything in it at any depth, each once."""
    seen: dict[int, Any] = {}
    stack = [value]
    while stack:
        part = stack.pop()
        if id(part) not in seen:
            seen[id(part)] = part
            yield part
            if not isinstance(part, PackedSequence):
                stack += [inner for _, inner in items_of(part)]
                stack += state_of(part).values()


def _tensors(value: Any) -> list[Tensor]:
    """List the tensors of an object that move with it: not the sizes of packed sequences."""
    found: list[Tensor] = []
    for part in _parts(value):
        inner = part if isinstance(part, PackedSequence) else ()
        movable = [inner.data, inner.sorted_indices, inner.unsorted_indices] if inner else [part]
        found += [one for one in movable if isinstance(one, Tensor)]
    return found or [leaf for _, leaf, _ in leaves(value, plain=False) if isinstance(leaf, Tensor)]


def _by_method(value: Any, name: str, *arguments: Any) -> Any:
    """Return what an object's method makes of a shallow copy of it; the object without one.

    A method that changes the copy may return nothing.
    """
    try:
        shallow = copy.copy(value)
        result = getattr(shallow, name)(*arguments)
    except Exception:
        return value
    result = shallow if result is None else result
    return result if len(_tensors(result)) >= len(_tensors(value)) else value


def _replaced(value: Any, replace: Callable[[Tensor], Tensor], fresh: bool) -> Any:
    """Copy an object deeply, with other tensors; what is not part of the data is shared."""
    known: dict[int, Any] = {}

    def replace_any(part: Any) -> Any:
        return replace(part) if isinstance(part, Tensor) else part

    parts = list(_parts(value))
    for part in parts:
        if isinstance(part, Tensor):
            known[id(part)] = replace(part)
        elif isinstance(part, PackedSequence):
            known[id(part)] = map_parts(replace_any, part)
        elif not (items_of(part) or state_of(part) or (fresh and isinstance(part, np.ndarray))):
            known[id(part)] = part
    try:
        return copy.deepcopy(value, known)
    except Exception as error:
        raise _refusal(value, f"which can't be copied ({type(error).__name__}: {error})") from error


def _refusal(value: Any, why: str) -> ProblemError:
    kind = type(value).__name__
    return ProblemError(f"split: its batches hold objects of type {kind}, {why}; {REMEDY}")
