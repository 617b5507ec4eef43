"""Why a checkpoint does not fit a model, and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints import names
from landscape_cli.problems.checkpoints.trial import Trial
from landscape_cli.records.checkpoint_path import CheckpointPath


def complaint(
    where: CheckpointPath,
    key: str,
    trial: Trial,
    tried: Mapping[str, Any],
    model: nn.Module,
    state: Mapping[str, Any],
    hint: str | None,
    adapter: bool = False,
) -> CheckpointError:
    """Return the error that lists what does not fit, with the remedy that fits.

    Args:
        where: the checkpoint.
        key: the entry that came closest.
        trial: the outcome of loading it.
        tried: its tensors by the names that it was tried under.
        model: the network.
        state: its tensors by the names in the file.
        hint: key of another entry, which fits.
        adapter: True for an adapter of peft.
    """
    own = model.state_dict()
    shapes = [
        f"{name} {_shape(tried[name])} instead of {_shape(value)}"
        for name, value in own.items()
        if name in tried and None not in (_shape(value), _shape(tried[name]))
        if _shape(tried[name]) != _shape(value) and _shape(value) != ()
    ]
    parts = []
    if trial.missing:
        parts.append(f"missing {some(trial.missing)}")
    if trial.unexpected:
        parts.append(f"unexpected {some(trial.unexpected)}")
    if shapes:
        parts.append(f"wrong shapes: {some(shapes)}")
    elif trial.errors:
        found = [
            kinds(name, tried[name], value)
            for name, value in own.items()
            if isinstance(value, Tensor) and isinstance(tried.get(name), Tensor)
            if loses(tried[name], value)
        ]
        parts.append(some(found or trial.errors))
    entry = f" (entry {key!r})" if key else ""
    remedy = _remedy(where, key, trial, tried, bool(shapes), list(own), state, hint, adapter)
    return CheckpointError(
        f"checkpoint: {where.path!r}{entry} does not fit the model: {'; '.join(parts)}; {remedy}"
    )


def _remedy(
    where: CheckpointPath,
    key: str,
    trial: Trial,
    tried: Mapping[str, Any],
    shapes: bool,
    own: list[str],
    state: Mapping[str, Any],
    hint: str | None,
    adapter: bool,
) -> str:
    if adapter:
        return "build the model with peft, from the adapter's own configuration"
    if hint is not None:
        return f"its entry {hint!r} does: name it, as {where.path}::{hint}"
    if shapes:
        return "check problem_args"
    prefix, count = names.partial(map(names.bare, state), map(names.bare, own))
    if where.prefix is None and count * 2 > len(own):
        section = ", ".join(
            filter(None, (f"path: {where.path}", key and f"key: {key}", f"prefix: {prefix}"))
        )
        return (
            f"{count} of its names fit below {prefix!r}; to take those alone, write "
            f"checkpoint: {{{section}}}"
        )
    if trial.errors and not trial.missing and not trial.unexpected:
        return "check the file and the model's own loading"
    if not any(name in tried for name in own):
        return "is it a checkpoint of this network?"
    return (
        "build the network that was trained, or name the entry and the prefix of its weights: "
        f"checkpoint: {{path: {where.path}, key: ..., prefix: ...}}"
    )


def _shape(value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, Tensor) or is_lazy(value):
        return None
    return tuple(value.shape)


def loses(tensor: Tensor, like: Tensor) -> bool:
    """Return True if the conversion to a dtype changes what the numbers mean."""
    if tensor.is_quantized or like.is_quantized:
        return False
    if tensor.is_complex() and not like.is_complex():
        return True
    wide = like.is_floating_point() or like.is_complex()
    if not tensor.is_floating_point() and not tensor.is_complex():
        return wide
    return not wide and not torch.equal(tensor.to(like.dtype).to(tensor.dtype), tensor)


def kinds(name: str, tensor: Tensor, like: Tensor) -> str:
    """Return a phrase on a tensor whose conversion would change what its numbers mean."""
    stored, own = (str(one.dtype).removeprefix("torch.") for one in (tensor, like))
    return f"{name} is {stored} in the file and {own} in the model; is one of them quantized?"
