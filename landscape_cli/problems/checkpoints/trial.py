"""PyTorch's own loading of a state dict, tried on a model without changing it."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

COUNTERS = ("num_batches_tracked", "n_averaged")
"""Last parts of the names of counters, which no forward pass in eval mode reads."""


@dataclass(frozen=True)
class Trial:
    """The outcome of loading a state dict into a model.

    Args:
        missing: names of the model that the state dict lacks, by PyTorch's own judgement.
        unexpected: names of the state dict that nothing in the model takes.
        errors: messages of PyTorch on tensors that can't be loaded, such as wrong shapes.
        tensors: the model's state dict as it would be, without copies.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    errors: tuple[str, ...]
    tensors: Mapping[str, Any]

    @property
    def fits(self) -> bool:
        """True if every name has its place, and every place its tensor."""
        return not self.missing and not self.unexpected and not self.errors


def try_state(model: nn.Module, state: Mapping[str, Any]) -> Trial:
    """Load a state dict into a model, read the result, and give the model back its own tensors.

    Tensors are put in place of the model's own (``assign``), so nothing is copied. Hooks run as
    they do in ``load_state_dict``.

    Args:
        model: the network.
        state: tensors by the model's names, or by names that its hooks understand.
    """
    with _restored(model):
        result = load(model, state, assign=True)
        tensors = dict(model.state_dict())
    return Trial(*result, tensors)


def load(
    model: nn.Module, state: Mapping[str, Any], assign: bool = False
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Load a state dict into a model, and return what is missing, unexpected and wrong.

    Counters that are missing keep the model's values.
    """
    errors: tuple[str, ...] = ()
    # PyTorch writes into the metadata, and so must not get the caller's.
    own = OrderedDict(state)
    own._metadata = copy_metadata(state)  # type: ignore[attr-defined]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            incompatible = model.load_state_dict(own, strict=False, assign=assign)
        missing, unexpected = incompatible.missing_keys, list(incompatible.unexpected_keys)
    except Exception as error:  # of PyTorch, or of the model's own hooks
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        errors = tuple(lines[1:] if lines and lines[0].startswith("Error(s) in") else lines)
        errors = errors or (type(error).__name__,)
        names = model.state_dict()
        missing = [name for name in names if name not in state]
        unexpected = [name for name in state if name not in names]
    unexpected += [name for name in state if _ignored(model, name) and name not in unexpected]
    return (
        tuple(name for name in missing if name.rpartition(".")[2] not in COUNTERS),
        tuple(unexpected),
        errors,
    )


def objects_of(model: nn.Module) -> dict[str, Any]:
    """Return the entries of a model's state dict that are no tensors, such as extra state."""
    return {
        name: value for name, value in model.state_dict().items() if not isinstance(value, Tensor)
    }


def put_objects(model: nn.Module, objects: Mapping[str, Any]) -> None:
    """Give a model entries of its state dict that are no tensors, and keep its tensors."""
    if objects:
        state = model.state_dict()
        state.update(objects)
        load(model, state)


def copy_metadata(state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the versions of modules that a state dict of PyTorch carries, by path."""
    metadata = getattr(state, "_metadata", None)
    if not isinstance(metadata, Mapping):
        return {}
    return {
        path: {key: value for key, value in one.items() if key != "assign_to_params_buffers"}
        for path, one in metadata.items()
        if isinstance(path, str) and isinstance(one, Mapping)
    }


def _ignored(model: nn.Module, name: str) -> bool:
    """Return True for a name below a module that is None, which PyTorch skips without a word."""
    module: nn.Module = model
    for part in name.split(".")[:-1]:
        children = module._modules
        if part not in children:
            return False
        child = children[part]
        if child is None:
            return True
        module = child
    return False


@contextmanager
def _restored(model: nn.Module) -> Iterator[None]:
    """Give a model back its tensors, and its state besides tensors, at the end of the block."""
    objects = {name: _copy(value) for name, value in objects_of(model).items()}
    tables = [
        (module, table, dict(table.items()))
        for module in model.modules()
        for table in (module._parameters, module._buffers)
    ]
    copies = [
        (tensor, tensor.detach().clone())
        for module in model.modules()
        if _loads_itself(module)
        for tensor in (*module._parameters.values(), *module._buffers.values())
        if tensor is not None and not is_lazy(tensor)
    ]
    try:
        yield
    finally:
        for module, table, entries in tables:
            _put_back(module, table, entries)
        with torch.no_grad():
            for tensor, content in copies:
                if tensor.shape == content.shape:
                    tensor.copy_(content)
        put_objects(model, objects)


def _put_back(module: nn.Module, table: Any, entries: Mapping[str, Any]) -> None:
    if isinstance(table, dict):
        table.clear()
        table.update(entries)
        return
    for name, tensor in entries.items():  # TorchScript's tables are views of its own
        if dict(table.items())[name] is not tensor:
            setattr(module, name, tensor)


def _loads_itself(module: nn.Module) -> bool:
    """Return True for a module with its own way of loading, which may write into its tensors."""
    own = type(module)._load_from_state_dict
    return own not in (nn.Module._load_from_state_dict, _NORM._load_from_state_dict)


_NORM = nn.modules.batchnorm._NormBase


def _copy(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:  # an object that can't be copied is kept as it is
        return value
