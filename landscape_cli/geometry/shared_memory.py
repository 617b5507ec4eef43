"""Tensors of a model that share memory with its parameters, whatever they are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from landscape_cli.errors import ProblemError, cause


@dataclass(frozen=True)
class Follower:
    """A tensor whose memory is part of a parameter's.

    Args:
        name: of the tensor in the model.
        tensor: the object, whose ``data`` is to follow the owner's.
        owner: name of the parameter.
        start: offset from the owner's first entry, in entries.
        size: shape of the tensor.
        stride: strides of the tensor.
    """

    name: str
    tensor: Tensor
    owner: str
    start: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def attach(self, tensor: Tensor, owner: Tensor) -> None:
        """Let a tensor use the memory of the owner's new place.

        Args:
            tensor: the model's tensor of this name.
            owner: contiguous, of the tensor's dtype.

        Raises:
            ProblemError: if the tensor can't be moved there.
        """
        place = owner.storage_offset() + self.start
        try:
            tensor.data = owner.as_strided(self.size, self.stride, place)
        except RuntimeError as error:
            raise ProblemError(
                f"Problem.model: {self.name} shares the memory of {self.owner}, and can't follow "
                f"it ({cause(error)}); make it a buffer, or compute it in the forward pass"
            ) from None

    def is_same(self, owner: Tensor) -> bool:
        """Return False if this one is a part or a transpose of the owner, which is contiguous."""
        return self.start == 0 and (self.size, self.stride) == (owner.shape, owner.stride())


@dataclass(frozen=True)
class SharedMemory:
    """The memory that the tensors of a model share.

    Args:
        owners: the tensors that hold all of it, by name; their memory does not overlap.
        followers: all others that share memory with owners.
    """

    owners: Mapping[str, Tensor]
    followers: Sequence[Follower]


def shared_memory(model: nn.Module, tensors: Mapping[str, Tensor]) -> SharedMemory:
    """Find the tensors of a model that share memory with those that a slice moves.

    Parameters may be tied without being one object: ``b.weight.data = a.weight.data``, a slice or
    a transpose of another one, or a buffer or plain attribute with such a view. To move one of them
    alone would cut the tie.

    Args:
        model: the network.
        tensors: the tensors that a slice moves, by name.

    Raises:
        ProblemError: if memory overlaps in another way, with the names of both tensors.
    """
    owners: dict[str, Tensor] = {}
    followers: list[Follower] = []
    by_storage: dict[int, list[str]] = defaultdict(list)
    # The largest first: a slice of a parameter follows the parameter, whatever their order. Of
    # equals the last, whose values stand if a script assigns to each by name.
    names = [*tensors][::-1]
    order = sorted(names, key=lambda n: (-tensors[n].numel(), _strided(tensors[n])))
    for name in order:
        tensor = tensors[name]
        if tensor.numel() == 0:
            owners[name] = tensor
            continue
        _refuse_overlapping_itself(name, tensor)
        near = by_storage[_storage(tensor)]
        follower = _follow(name, tensor, {other: owners[other] for other in near})
        if follower is None:
            owners[name] = tensor
            near.append(name)
        else:
            followers.append(follower)
    known = {id(tensor) for tensor in tensors.values()}
    for name, tensor in _others(model):
        if id(tensor) in known or not (near := by_storage.get(_storage(tensor), [])):
            continue
        known.add(id(tensor))
        follower = _follow(name, tensor, {other: owners[other] for other in near})
        if follower is not None:
            followers.append(follower)
    return SharedMemory({name: owners[name] for name in tensors if name in owners}, followers)


def _follow(name: str, tensor: Tensor, owners: Mapping[str, Tensor]) -> Follower | None:
    """Return the tensor's place in one of the owners; None if it overlaps none of them.

    Raises:
        ProblemError: if it overlaps one, but is no view of it.
    """
    for owner, whole in owners.items():
        if not _overlap(tensor, whole):
            continue
        size, stride = tuple(tensor.shape), tuple(tensor.stride())
        start = _offset(tensor) - _offset(whole)
        same = tensor.dtype == whole.dtype
        if same and start == 0 and (size, stride) == (tuple(whole.shape), tuple(whole.stride())):
            # Of equal strides: as the owner will be, which is contiguous.
            stride = tuple(torch.empty(size, device="meta").stride())
            return Follower(name, tensor, owner, 0, size, stride)
        inside = start >= 0 and start + _extent(tensor) <= whole.numel()
        if same and whole.is_contiguous() and inside:
            return Follower(name, tensor, owner, start, size, stride)
        raise ProblemError(
            f"Problem.model: {owner} and {name} share memory, and neither is a view of the other; "
            "make them one Parameter, or clone() one of them"
        )
    return None


def _refuse_overlapping_itself(name: str, tensor: Tensor) -> None:
    """Refuse an expanded tensor and the like, several entries of which are one number."""
    taken = 0
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1 and stride <= taken:
            raise ProblemError(
                f"Problem.model: several entries of {name} share one place in memory (an expanded "
                "tensor?); use a Parameter of its own memory, or clone() it"
            )
        taken += (size - 1) * stride


def _overlap(a: Tensor, b: Tensor) -> bool:
    """Return True if two tensors of one storage have an entry in common."""
    (low, high), (other_low, other_high) = _bytes(a), _bytes(b)
    if high <= other_low or other_high <= low:
        return False
    if (a.is_contiguous() and b.is_contiguous()) or a.dtype != b.dtype:
        return True
    return bool(np.isin(_places(a), _places(b)).any())


def _places(tensor: Tensor) -> NDArray[np.int64]:
    """Return the offsets of a tensor's entries in its storage."""
    places = torch.arange(_extent(tensor)).as_strided(tuple(tensor.shape), tensor.stride())
    return _offset(tensor) + places.flatten().numpy()


def _offset(tensor: Tensor) -> int:
    return int(tensor.storage_offset())


def _extent(tensor: Tensor) -> int:
    """Number of entries from a tensor's first in memory to its last."""
    if tensor.numel() == 0:
        return 0
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return 1 + sum((size - 1) * stride for size, stride in steps)


def _bytes(tensor: Tensor) -> tuple[int, int]:
    start = _offset(tensor) * tensor.element_size()
    return start, start + _extent(tensor) * tensor.element_size()


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _strided(tensor: Tensor) -> bool:
    return not tensor.is_contiguous()


def _others(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield buffers, and tensors among the plain attributes of modules, with their names."""
    for prefix, module in model.named_modules():
        place = f"{prefix}." if prefix else ""
        for name, tensor in module._buffers.items():
            if tensor is not None:
                yield from _tensors(f"{place}{name}", tensor)
        if not isinstance(module, torch.jit.ScriptModule):
            for name, value in vars(module).items():
                if name not in ("_parameters", "_buffers", "_modules"):
                    yield from _tensors(f"{place}{name}", value)


def _tensors(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        if value.layout is torch.strided and value.numel():
            yield name, value
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _tensors(f"{name}[{number}]", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _tensors(f"{name}[{key!r}]", item)
