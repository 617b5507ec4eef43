"""Why a checkpoint does not fit a model, and what would help."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints import names
from landscape_cli.problems.checkpoints.trial import Trial
from landscape_cli.records.checkpoint_path import CheckpointPath


@dataclass(frozen=True)
class Mismatch:
    """The attempt to fit a checkpoint that came closest.

    Args:
        where: the checkpoint.
        key: the entry that was tried.
        trial: the outcome of loading it.
        tried: its tensors by the names that it was tried under.
        state: its tensors by the names in the file.
        model: the network.
        hint: key of another entry, which fits; None if there is none.
        adapter: True for an adapter of peft.
    """

    where: CheckpointPath
    key: str
    trial: Trial
    tried: Mapping[str, Any]
    state: Mapping[str, Any]
    model: nn.Module
    hint: str | None = None
    adapter: bool = False

    def error(self) -> CheckpointError:
        """Return the error that lists what does not fit, with the remedy that fits."""
        own = self.model.state_dict()
        shapes = self._shapes(own)
        parts = []
        if self.trial.missing:
            parts.append(f"missing {some(self.trial.missing)}")
        if self.trial.unexpected:
            parts.append(f"unexpected {some(self.trial.unexpected)}")
        if shapes:
            parts.append(f"wrong shapes: {some(shapes)}")
        elif self.trial.errors:
            parts.append(some(self._kinds(own) or self.trial.errors))
        entry = f" (entry {self.key!r})" if self.key else ""
        remedy = self._remedy(bool(shapes), list(own))
        return CheckpointError(
            f"checkpoint: {self.where.path!r}{entry} does not fit the model: {'; '.join(parts)}; "
            f"{remedy}"
        )

    def _shapes(self, own: Mapping[str, Any]) -> list[str]:
        pairs = [(name, _shape(self.tried[name]), _shape(own[name])) for name in self._common(own)]
        return [
            f"{name} {stored} instead of {wanted}"
            for name, stored, wanted in pairs
            if None not in (stored, wanted) and stored != wanted
        ]

    def _kinds(self, own: Mapping[str, Any]) -> list[str]:
        return [
            kinds(name, self.tried[name], own[name])
            for name in self._common(own)
            if loses(self.tried[name], own[name])
        ]

    def _common(self, own: Mapping[str, Any]) -> list[str]:
        return [
            name
            for name, value in own.items()
            if isinstance(value, Tensor) and isinstance(self.tried.get(name), Tensor)
        ]

    def _remedy(self, shapes: bool, own: list[str]) -> str:
        if self.adapter:
            return "build the model with peft, from the adapter's own configuration"
        if self.hint is not None:
            return f"its entry {self.hint!r} does: name it, as {self.where.path}::{self.hint}"
        if shapes:
            return "check problem_args"
        if section := self._partial_prefix(own):
            return section
        if self.trial.errors and not self.trial.missing and not self.trial.unexpected:
            return "check the file and the model's own loading"
        if any(hasattr(module, "from_pretrained") for module in self.model.modules()):
            return (
                "if transformers renames its tensors, load it in the problem, with "
                "from_pretrained, and leave checkpoint out"
            )
        if not any(name in self.tried for name in own):
            return "is it a checkpoint of this network?"
        return (
            "build the network that was trained, or name the entry and the prefix of its weights: "
            f"checkpoint: {{path: {self.where.path}, key: ..., prefix: ...}}"
        )

    def _partial_prefix(self, own: list[str]) -> str:
        """Return the prefix that would take most of the model's tensors from among others."""
        prefix, count = names.partial(map(names.bare, self.state), map(names.bare, own))
        if self.where.prefix is not None or count * 2 <= len(own):
            return ""
        fields = {"path": self.where.path, "key": self.key, "prefix": prefix}
        section = ", ".join(f"{field}: {value}" for field, value in fields.items() if value)
        return (
            f"{count} of its names fit below {prefix!r}; to take those alone, write "
            f"checkpoint: {{{section}}}"
        )


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


def _shape(value: Tensor) -> tuple[int, ...] | None:
    return None if is_lazy(value) else tuple(value.shape)
