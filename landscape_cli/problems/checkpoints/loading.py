"""Loading of trained weights: one way of reading for whatever needs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints.candidates import entries, named_entry, no_entry
from landscape_cli.problems.checkpoints.checks import (
    check_kept_apart,
    check_kinds,
    refuse_not_finite,
)
from landscape_cli.problems.checkpoints.fitting import Fit, check_ties, fit
from landscape_cli.problems.checkpoints.folder import is_adapter, locate
from landscape_cli.problems.checkpoints.formats import format_of
from landscape_cli.problems.checkpoints.formats.recording import Steps
from landscape_cli.problems.checkpoints.names import bare
from landscape_cli.problems.checkpoints.settings import adapters_of, check_adapter, network_note
from landscape_cli.problems.checkpoints.ties import tied_names
from landscape_cli.problems.checkpoints.trial import load
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.util.logs import tell
from landscape_cli.util.tensors import as_real

Say = Callable[[str], None]
"""Tells the user one line."""


@dataclass(frozen=True)
class Weights:
    """The weights of a checkpoint that fits a model.

    Args:
        fit: the tensors by the model's names.
        content: everything that the file holds.
        notes: lines for the user.
    """

    fit: Fit
    content: Any
    notes: tuple[str, ...]

    @property
    def epoch(self) -> object:
        """The entry ``epoch`` beside the state dict; None if there is none."""
        if isinstance(self.content, Steps):
            return self.content.epoch(self.fit.key)
        beside = self.fit.key and isinstance(self.content, Mapping)
        return self.content.get("epoch") if beside else None


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a state dict onto the CPU without a model, under its names without wrappers.

    Raises:
        CheckpointError: if the file can't be read, holds objects that would run code, or holds no
            state dict, or several and no key says which.
    """
    where = CheckpointPath.parse(path)
    located, _ = locate(where.path)
    content = format_of(located).read(located)
    if where.key is not None:
        found = [named_entry(content, where.key, where.path)]
    elif not (found := entries(content)):
        raise no_entry(content, where.path)
    return {bare(name): value for name, value in found[0][1].items()}


def read_fitting(path: str | os.PathLike[str], model: nn.Module) -> Weights:
    """Read the weights of a checkpoint that fit a model, which is not changed.

    Raises:
        CheckpointError: if the file can't be read, does not fit the model, or holds numbers that
            are not finite.
    """
    where = CheckpointPath.parse(path)
    located, others = locate(where.path)
    content = format_of(located).read(located)
    adapters: tuple[str, ...] = ()
    if is_adapter(located):
        adapters = adapters_of(model)
        check_adapter(located, model)
    own = model.state_dict()
    found = fit(content, model, where, adapters)
    check_ties(found.tensors, tied_names(own), where.path)
    check_kinds(found, own, where.path)
    refuse_not_finite(found, own, where.path)
    notes = [*found.notes]
    if others:
        notes.insert(0, f"read {located}; the folder also has {some(others)}")
    if note := network_note(located, model):
        notes.append(note)
    if found.kept:
        notes.append(f"holds an adapter alone; {len(found.kept)} other tensors stay as built")
    return Weights(found, content, tuple(f"checkpoint {where}: {note}" for note in notes))


def load_weights(model: nn.Module, path: str | os.PathLike[str], say: Say = tell) -> object:
    """Load a checkpoint's weights into a model, and say what is not a matter of course.

    Args:
        model: the network.
        path: the checkpoint.
        say: tells the user one line.

    Returns:
        The entry ``epoch`` of the file, None if there is none.

    Raises:
        CheckpointError: if the file is not a checkpoint, if its tensors do not match the model's
            (missing, unexpected and wrongly shaped ones are listed), or if one is not finite.
    """
    weights = read_fitting(path, model)
    _, _, errors = load(model, weights.fit.state)
    if errors:
        raise CheckpointError(f"checkpoint: {str(path)!r} can't be loaded: {some(errors)}")
    check_kept_apart(model, weights.fit, str(path))
    for note in weights.notes:
        say(note)
    return weights.epoch


def read_weights(
    path: str | os.PathLike[str],
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    say: Say = tell,
) -> tuple[dict[str, Tensor], object]:
    """Read some tensors of a checkpoint.

    Args:
        path: the checkpoint.
        model: the network, whose names and shapes the checkpoint must have.
        tensors: the tensors to read, by name, as real ones (see ``as_real``); the checkpoint is
            converted to their dtypes.
        say: tells the user one line.

    Returns:
        The tensors, and the entry ``epoch`` of the file, None if there is none.

    Raises:
        CheckpointError: if the file can't be read, belongs to another network, or holds numbers
            that are not finite; the message names the file.
    """
    weights = read_fitting(path, model)
    own = model.state_dict()
    selected = {
        name: as_real(_alike(weights.fit.tensors[name], own[name])).to("cpu", like.dtype)
        for name, like in tensors.items()
    }
    for note in weights.notes:
        say(note)
    return selected, weights.epoch


def _alike(tensor: Tensor, own: Tensor) -> Tensor:
    """Return a tensor, complex as the model's, that later changes of the model do not change."""
    if own.is_complex():
        tensor = tensor.to(own.dtype)
    same = tensor.data_ptr() == own.data_ptr() and tensor.device == own.device
    return tensor.detach().clone() if same else tensor.detach()
