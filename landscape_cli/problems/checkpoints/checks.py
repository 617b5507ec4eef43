"""Checks of tensors that fit a model by name and shape, but not in what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints.complaints import kinds, loses
from landscape_cli.problems.checkpoints.fitting import Fit


def refuse_not_finite(fit: Fit, own: Mapping[str, Any], path: str) -> None:
    """Refuse the weights of a training run that diverged.

    A constant of the network, such as a mask with infinities, may be what it is as built.

    Raises:
        CheckpointError: if another tensor holds a NaN or an infinity, or a number beyond the range
            of the model's dtype; the message names the file and the first such tensor.
    """
    for name, tensor in _tensors(fit):
        if not _finite(_narrowed(tensor, own.get(name))) and not _equal(tensor, own.get(name)):
            raise CheckpointError(
                f"checkpoint: {path!r} holds numbers that are not finite, in {name}; leave it out"
            )


def check_kinds(fit: Fit, own: Mapping[str, Any], path: str) -> None:
    """Refuse tensors whose conversion to the model's dtype would change what they mean.

    Raises:
        CheckpointError: for complex numbers where the model has real ones, integers where it has
            floating-point numbers, and fractions where it has integers.
    """
    for name, tensor in _tensors(fit):
        like = own.get(name)
        if not isinstance(like, Tensor) or tensor.dtype == like.dtype:
            continue
        if loses(tensor, like):
            raise CheckpointError(
                f"checkpoint: {path!r} does not fit the model: {kinds(name, tensor, like)}"
            )


def check_kept_apart(model: nn.Module, fit: Fit, path: str) -> None:
    """Refuse tensors that were overwritten by others, since they overlap in the model's memory.

    Raises:
        CheckpointError: naming a tensor that did not keep its numbers.
    """
    own = {n: t for n, t in model.state_dict().items() if isinstance(t, Tensor) and _dense(t)}
    places: dict[int, list[str]] = {}
    for name, tensor in own.items():
        places.setdefault(tensor.untyped_storage().data_ptr(), []).append(name)
    for name in (name for names in places.values() if len(names) > 1 for name in names):
        loaded = fit.tensors.get(name)
        if isinstance(loaded, Tensor) and not _equal(loaded.to(own[name].dtype), own[name]):
            raise CheckpointError(
                f"checkpoint: {path!r} can't be loaded as it is: {name} shares memory with other "
                "tensors of the model, and lost its numbers to them"
            )


def _tensors(fit: Fit) -> list[tuple[str, Tensor]]:
    return [
        (name, tensor)
        for name, tensor in fit.tensors.items()
        if isinstance(tensor, Tensor) and name not in fit.kept and not is_lazy(tensor)
    ]


def _dense(tensor: Tensor) -> bool:
    if is_lazy(tensor) or tensor.layout is not torch.strided or tensor.is_quantized:
        return False
    return tensor.numel() > 0 and not tensor.is_meta


def _narrowed(tensor: Tensor, own: Any) -> Tensor:
    """Return a tensor in the model's dtype if that has a smaller range."""
    if not isinstance(own, Tensor) or not own.is_floating_point() or is_lazy(own):
        return tensor
    return tensor.to(own.dtype) if own.dtype.itemsize < tensor.dtype.itemsize else tensor


def _finite(tensor: Tensor) -> bool:
    if tensor.is_quantized or not (tensor.is_floating_point() or tensor.is_complex()):
        return True
    if tensor.layout is not torch.strided:
        tensor = (
            tensor.coalesce().values() if tensor.layout is torch.sparse_coo else tensor.values()
        )
    if tensor.dtype.itemsize == 1:  # float8 has no isfinite
        tensor = tensor.float()
    return bool(torch.isfinite(tensor).all())


def _equal(tensor: Tensor, own: Any) -> bool:
    """Return True if a tensor of the model holds the same numbers, NaN counting as itself."""
    if not isinstance(own, Tensor) or is_lazy(own) or own.is_meta or own.shape != tensor.shape:
        return False
    other = own.detach().to(tensor.device, tensor.dtype)
    return bool(((tensor == other) | ((tensor != tensor) & (other != other))).all())
