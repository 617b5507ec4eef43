"""Named parameters in one contiguous buffer, so that a single kernel updates all of them."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError
from landscape_cli.geometry.blocks import SERIAL
from landscape_cli.geometry.roles import column_weights, roles_of
from landscape_cli.geometry.shared_memory import Follower, SharedMemory, shared_memory
from landscape_cli.util.tensors import as_complex, as_real, bytes_of, movable, widened

ALIGNMENT = 64
"""Elements to a multiple of which each tensor is padded, for vectorized kernels."""


Place = tuple[torch.dtype, torch.device]
"""What the tensors of a buffer have in common."""


class FlatParameters:
    """Real tensors by name, stored in one contiguous buffer per dtype and device.

    ``views`` maps names to tensors; writing to a view writes to its buffer. Padding between tensors
    is zero, and stays zero under sums and scalings.

    Args:
        like: tensors with the names, shapes and dtypes to use; the new tensors are zero.
        device: device of the buffers; each tensor's own if None.

    Attributes:
        buffers: the buffers, by dtype (that of the model's tensors) and device.
        complex: number of dimensions, by name, of the model's complex tensors, whose views are
            their real and imaginary parts (see ``as_real``).
        aliases: other names of the tensors in the model, by name.
        trainable: names of the parameters that require gradients.
        frozen: names of the parameters that do not.
        roles: names of the parameters that a word stands for (``roles.WORDS``), by word.
        columns: names of the weights whose filters are columns, not slices along dimension 0.
        parts: names of the model's parameters that are a part or a transpose of another one, and
            are therefore missing from ``views``.
    """

    def __init__(self, like: Mapping[str, Tensor], device: torch.device | str | None) -> None:
        place = None if device is None else torch.empty(0, device=device).device
        self._places: dict[str, Place] = {
            name: (tensor.dtype, place or tensor.device) for name, tensor in like.items()
        }
        self._shapes = {name: tensor.shape for name, tensor in like.items()}
        self.complex: dict[str, int] = {}
        self.aliases: dict[str, tuple[str, ...]] = {}
        self.trainable: frozenset[str] = frozenset()
        self.frozen: frozenset[str] = frozenset()
        self.parts: tuple[str, ...] = ()
        self.roles: Mapping[str, frozenset[str]] = {}
        self.columns: frozenset[str] = frozenset()
        self._allocate(wide=False)

    def _allocate(self, wide: bool) -> None:
        """Make buffers of zeros, in the dtypes of the layout or in float32 if that is wider."""
        self._wide = wide
        starts: dict[str, int] = {}
        ends: dict[Place, int] = {}
        for name, place in self._places.items():
            starts[name] = ends.get(place, 0)
            ends[place] = starts[name] + -(-self._shapes[name].numel() // ALIGNMENT) * ALIGNMENT
        self.buffers: dict[Place, Tensor] = {
            (dtype, device): torch.zeros(
                end, dtype=widened(dtype) if wide else dtype, device=device
            )
            for (dtype, device), end in ends.items()
        }
        self.views: dict[str, Tensor] = {
            name: self.buffers[self._places[name]][start : start + shape.numel()].view(shape)
            for (name, start), shape in zip(starts.items(), self._shapes.values(), strict=True)
        }

    def padded(self, name: str) -> Tensor:
        """Return a tensor's flat range of its buffer: the entries and the padding after them."""
        view = self.views[name]
        start = view.storage_offset()
        length = -(-view.numel() // ALIGNMENT) * ALIGNMENT
        return self.buffers[self._places[name]][start : start + length]

    @property
    def count(self) -> int:
        """Number of entries, without padding."""
        return sum(view.numel() for view in self.views.values())

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a tensor's shape in the model."""
        return tuple(self.own(name).shape)

    @property
    def wide_nbytes(self) -> int:
        """Bytes of a direction, which is in float32 at least."""
        return sum(self.wide_sizes().values())

    def wide_sizes(self) -> dict[torch.device, int]:
        """Return the bytes of a direction, which is in float32 at least, on each device."""
        sizes = dict.fromkeys(self.devices, 0)
        for (dtype, device), buffer in self.buffers.items():
            sizes[device] += buffer.numel() * widened(dtype).itemsize
        return sizes

    @property
    def whole_nbytes(self) -> int:
        """Bytes of a whole direction, of which this rank may hold a part."""
        return self.wide_nbytes

    @property
    def device(self) -> torch.device:
        """Device of the first tensor, that of all tensors unless the model is spread."""
        return next(iter(self.views.values())).device

    @property
    def devices(self) -> list[torch.device]:
        """The devices of the buffers, in the order of their first tensors."""
        return list(dict.fromkeys(device for _, device in self.buffers))

    @property
    def dtypes(self) -> list[torch.dtype]:
        """The dtypes of the model's tensors."""
        return list(dict.fromkeys(dtype for dtype, _ in self.buffers))

    @classmethod
    def of_model(
        cls, model: nn.Module, device: torch.device | str | None, buffers: Collection[str] = ()
    ) -> FlatParameters:
        """Move a model's floating-point and complex parameters into buffers that it then uses.

        Tensors that share memory are stored once and go on sharing it, whether they are one
        Parameter or not. Other tensors of the model are moved to the device unchanged.

        Args:
            model: the network.
            device: target device; None leaves each tensor on its own.
            buffers: names of the model's buffers to include; if there are any, tensors are in the
                order of the state dict.

        Raises:
            ProblemError: if tensors overlap in memory without being views of one parameter.
        """
        shared = moved_tensors(model, buffers)
        if device is not None:
            model.to(device)
        # Moving to another device replaces buffers by new objects.
        present: dict[str, Tensor] = dict(model.named_parameters())
        present |= dict(model.named_buffers())
        owners = {name: present[name] for name in shared.owners}
        flat = cls({name: as_real(tensor.detach()) for name, tensor in owners.items()}, device)
        for name, tensor in owners.items():
            view = flat.views[name]
            view.copy_(as_real(tensor.detach()))
            if tensor.is_complex():
                flat.complex[name] = tensor.dim()
            tensor.data = flat.own(name)
        for follower in shared.followers:
            follower.attach(present.get(follower.name, follower.tensor), flat.own(follower.owner))
        flat.parts = tuple(
            follower.name
            for follower in shared.followers
            if isinstance(follower.tensor, nn.Parameter)
            and not follower.is_same(owners[follower.owner])
        )
        flat.aliases = _aliases(model, owners, shared.followers)
        parameters = {n: t for n, t in owners.items() if isinstance(t, nn.Parameter)}
        flat.trainable = frozenset(name for name, one in parameters.items() if one.requires_grad)
        flat.frozen = frozenset(parameters) - flat.trainable
        moved = {name: name for name in owners}
        moved |= {alias: name for name, others in flat.aliases.items() for alias in others}
        moved |= {one.name: one.owner for one in shared.followers if one.name not in moved}
        flat.roles = roles_of(model, moved)
        flat.columns = column_weights(model) & set(owners)
        return flat

    def own(self, name: str) -> Tensor:
        """Return a tensor as the model has it: the view, or a complex tensor in its memory."""
        view = self.views[name]
        return as_complex(view, self.complex[name]) if name in self.complex else view

    def attach(self, model: nn.Module) -> None:
        """Let a model that may have replaced its parameters use these ones again.

        Raises:
            ProblemError: if it has lost one.
        """
        present = dict(model.named_parameters(remove_duplicate=False))
        for name, view in self.views.items():
            if name not in present:
                if name not in dict(model.named_buffers()):
                    raise ProblemError(
                        f"Problem.model: {name} is there in training mode but not afterwards; "
                        "train() and eval() must keep all parameters"
                    )
                continue
            for each in (name, *self.aliases.get(name, ())):
                if each in present and present[each].data_ptr() != view.data_ptr():
                    present[each].data = self.own(name)

    def zeros(self) -> FlatParameters:
        """Return zeros of the same layout and dtypes, with their own buffers."""
        other = copy.copy(self)
        other._allocate(self._wide)
        return other

    def clone(self) -> FlatParameters:
        """Return a copy with its own buffers."""
        return self._copied(self.zeros())

    def widened(self) -> FlatParameters:
        """Return these tensors in float32 where their dtype is narrower, laid out like these.

        Sums of bfloat16 and float16 weights are computed in float32 and rounded once.
        """
        if all(widened(buffer.dtype) == buffer.dtype for buffer in self.buffers.values()):
            return self
        other = copy.copy(self)
        other._allocate(wide=True)
        return self._copied(other)

    def _copied(self, other: FlatParameters) -> FlatParameters:
        for place, buffer in self.buffers.items():
            other.buffers[place].copy_(buffer)
        return other

    def checksum(self) -> list[int]:
        """Return a sum over the bits of each buffer, which almost any change alters."""
        flat = (buffer.view(torch.int32) for buffer in self.buffers.values())
        # In small blocks, since PyTorch copies what it sums to int64, which would leave gaps.
        return [sum(int(block.sum()) for block in torch.split(bits, SERIAL)) for bits in flat]

    def moved_in(self, present: Mapping[str, Tensor]) -> list[str]:
        """Return the names of tensors that a model holds elsewhere than here."""
        return [
            name
            for name, view in self.views.items()
            if name in present and view.numel() and present[name].data_ptr() != view.data_ptr()
        ]

    def assign(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy tensors of the same names and shapes into the views, converting dtype and device."""
        for name, view in self.views.items():
            view.copy_(tensors[name])


def moved_tensors(model: nn.Module, buffers: Collection[str] = ()) -> SharedMemory:
    """Find the tensors of a model that a slice moves, and all that share memory with them.

    Args:
        model: the network.
        buffers: names of buffers that move besides the parameters; if there are any, tensors are in
            the order of the state dict.

    Raises:
        ProblemError: if tensors overlap in memory without being views of one parameter.
    """
    tensors: dict[str, Tensor] = {n: p for n, p in model.named_parameters() if movable(p)}
    if buffers:
        tensors |= {n: b for n, b in model.named_buffers() if n in buffers}
        tensors = {name: tensors[name] for name in model.state_dict() if name in tensors}
    return shared_memory(model, tensors)


def _aliases(
    model: nn.Module, owners: Mapping[str, Tensor], followers: Sequence[Follower]
) -> dict[str, tuple[str, ...]]:
    """Return the other names of tensors: of the same object, or of the whole of its memory."""
    names = {id(tensor): name for name, tensor in owners.items()}
    for follower in followers:
        if follower.start == 0 and follower.size == tuple(owners[follower.owner].shape):
            names[id(follower.tensor)] = follower.owner
    aliases: dict[str, tuple[str, ...]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        owner = names.get(id(parameter))
        if owner is not None and name != owner:
            aliases[owner] = (*aliases.get(owner, ()), name)
    return aliases


class Digest:
    """SHA-256 over the names, shapes, dtypes and bytes of tensors, fed block by block."""

    def __init__(self) -> None:
        self._state = hashlib.sha256()

    def begin(self, name: str, like: Tensor) -> None:
        """Start a tensor, whose entries follow."""
        self._state.update(f"{name}{tuple(like.shape)}{like.dtype}".encode())

    def add(self, entries: Tensor) -> None:
        """Hash the next entries of the tensor."""
        host = entries.detach().cpu().resolve_conj().resolve_neg().contiguous().flatten()
        self._state.update(bytes_of(host).data)

    def text(self) -> str:
        """Return the hash as a hex string."""
        return self._state.hexdigest()


def flatten(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the dense tensors of a state dict, those inside of tuples, lists and dicts too.

    Quantized layers keep tensors in tuples, and ``get_extra_state`` may return anything. Quantized
    tensors are split into their integers and their scales and zero points; objects of other kinds
    are left out.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        if isinstance(value, Tensor) and value.is_quantized:
            tensors[f"{name}.int_repr"] = value.int_repr()
            per_channel = value.qscheme() in (torch.per_channel_affine, torch.per_channel_symmetric)
            tensors[f"{name}.scale"] = (
                value.q_per_channel_scales() if per_channel else torch.tensor(value.q_scale())
            )
            tensors[f"{name}.zero_point"] = (
                value.q_per_channel_zero_points()
                if per_channel
                else torch.tensor(value.q_zero_point())
            )
        elif isinstance(value, Tensor):
            tensors[name] = value if value.layout is torch.strided else value.to_dense()
        elif isinstance(value, (list, tuple)):
            tensors |= flatten({f"{name}.{number}": item for number, item in enumerate(value)})
        elif isinstance(value, Mapping):
            tensors |= flatten({f"{name}.{key}": item for key, item in value.items()})
    return tensors


def digest(parameters: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over the names, shapes, dtypes and bytes of tensors, as hex."""
    state = Digest()
    for name, tensor in parameters.items():
        state.begin(name, tensor)
        state.add(tensor)
    return state.text()
