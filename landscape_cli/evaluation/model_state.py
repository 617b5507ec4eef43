"""The mode, the buffers and the memory of a model, the same at the start of every point."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landscape_cli.errors import ProblemError, some
from landscape_cli.geometry.parameters import FlatParameters


def switches(model: nn.Module) -> bool:
    """Return True if a module of the model does more than set flags in ``train()`` or ``eval()``.

    Such modules merge low-rank updates into weights, fuse layers, or compute tables from weights.
    """
    return any(
        type(module).train is not nn.Module.train or type(module).eval is not nn.Module.eval
        for module in model.modules()
        if not isinstance(module, torch.jit.ScriptModule)
    )


@dataclass
class _Buffer:
    """A buffer of a module at the start of a point."""

    path: str
    module: nn.Module
    name: str
    tensor: Tensor
    content: Tensor
    version: int


class ModelState:
    """Mode, buffers and memory of a model, which a forward pass in eval mode may change.

    At each point the model starts from the buffers that it had when this object was made. A model
    whose ``train()`` or ``eval()`` changes weights gets a point's parameters in training mode and
    is then put into eval mode, as a trained network is.

    Args:
        model: the network, in training mode if it ``switches``; it is put into eval mode.
        parameters: the model's own parameters, from ``FlatParameters.of_model``.
        foreign: names of buffers that others set at each point.

    Attributes:
        changed: names of buffers and parameters that a forward pass has changed.
    """

    def __init__(
        self, model: nn.Module, parameters: FlatParameters, foreign: Collection[str] = ()
    ) -> None:
        self._model = model
        self._parameters = parameters
        self._foreign = frozenset(foreign)
        self._switching = switches(model)
        self.changed: set[str] = set()
        if self._switching:
            model.train()
        self._start = self._read()
        self._buffers = self._start
        if self._switching:
            parameters.attach(model)
        model.eval()
        if self._switching:
            self._buffers = self._read()

    def drifted(self) -> bool:
        """Return True if forward passes change the model, so that points must be kept apart."""
        return bool(self.changed) or any(map(self._has_changed, self._buffers))

    def _has_changed(self, buffer: _Buffer) -> bool:
        return buffer.tensor._version != buffer.version or self._replaced(buffer)

    def at_point(self, write: Callable[[], None]) -> None:
        """Write a point's parameters, and restore everything else.

        Args:
            write: writes the parameters.
        """
        self._restore()
        if not self._switching:
            write()
            return
        before = set(self.changed)
        self._buffers = self._start
        self._model.train()
        self._restore()
        self.changed = before  # what train() and eval() change is not the forward pass's
        self._parameters.attach(self._model)
        write()
        self._model.eval()
        self._buffers = self._read()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what forward passes at the current point change, value by value.

        Later, only tensors whose version counters PyTorch has increased are noticed, so this must
        see the others.

        Raises:
            ProblemError: if it moves a parameter to other memory.
        """
        before = self._parameters.checksum()
        yield
        if not self._switching:
            self._refuse_moved()
        if self._parameters.checksum() != before:
            self.changed.add("parameters")
        for buffer in self._buffers:
            if not _same(buffer.tensor, buffer.content) or self._replaced(buffer):
                self.changed.add(buffer.path)
                buffer.version = -1
        self.changed.update(self._added())

    def _refuse_moved(self) -> None:
        moved = self._parameters.moved_in(dict(self._model.named_parameters()))
        if moved:
            raise ProblemError(
                f"Problem.model: its forward pass replaces {some(moved)}, so that a slice can't "
                "move them; compute what is derived from parameters without assigning to them"
            )

    def _restore(self) -> None:
        """Restore the buffers that have changed since the start of the point."""
        for buffer in self._buffers:
            if not self._has_changed(buffer):
                continue
            replaced = self._replaced(buffer)
            self.changed.add(buffer.path)
            with torch.no_grad():
                if buffer.tensor.shape == buffer.content.shape:
                    buffer.tensor.copy_(buffer.content)
                else:
                    buffer.tensor.data = buffer.content.clone()
            if replaced:
                buffer.module._buffers[buffer.name] = buffer.tensor
            if buffer.version >= 0:
                buffer.version = buffer.tensor._version
        for name in self._added():
            self.changed.add(name)
            place, _, last = name.rpartition(".")
            self._model.get_submodule(place)._buffers[last] = None

    def _replaced(self, buffer: _Buffer) -> bool:
        if isinstance(buffer.module, torch.jit.ScriptModule):
            return False
        return buffer.module._buffers.get(buffer.name) is not buffer.tensor

    def _added(self) -> list[str]:
        """List the buffers that were empty or missing at the start of the point."""
        if all(_count(module) == count for module, count in self._counts):
            return []
        known = {(id(buffer.module), buffer.name) for buffer in self._buffers}
        return [
            path
            for path, module, name, _ in _buffers_of(self._model)
            if (id(module), name) not in known and path not in self._skipped
        ]

    def _read(self) -> list[_Buffer]:
        """Copy all buffers, except for those that others set or that are views of parameters."""
        flat = self._parameters.buffers.values()
        moved = [range(one.data_ptr(), one.data_ptr() + one.nbytes) for one in flat]
        self._skipped = set(self._foreign)
        read = []
        for path, module, name, tensor in _buffers_of(self._model):
            strided = tensor.layout is torch.strided
            if not strided or any(tensor.data_ptr() in memory for memory in moved):
                self._skipped.add(path)
            elif path not in self._foreign:
                content = tensor.detach().clone()
                read.append(_Buffer(path, module, name, tensor, content, tensor._version))
        self._counts = [(module, _count(module)) for module in self._model.modules()]
        return read


def _buffers_of(model: nn.Module) -> Iterator[tuple[str, nn.Module, str, Tensor]]:
    """Yield path, module, name and tensor of each buffer."""
    for prefix, module in model.named_modules():
        for name, tensor in module._buffers.items():
            if tensor is not None:
                yield f"{prefix}.{name}".lstrip("."), module, name, tensor


def _count(module: nn.Module) -> int:
    """Count a module's buffers, without empty ones."""
    own = module._buffers
    return len(own) - sum(tensor is None for tensor in own.values()) if own else 0


def _same(tensor: Tensor, content: Tensor) -> bool:
    """Return True for equal values; NaN equals NaN."""
    if tensor.shape != content.shape:
        return False
    if torch.equal(tensor, content):
        return True
    return tensor.is_floating_point() and torch.equal(
        torch.nan_to_num(tensor, nan=0.5), torch.nan_to_num(content, nan=0.5)
    )
