"""The entry of a checkpoint that fits a model, under the model's names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints import candidates, names
from landscape_cli.problems.checkpoints.complaints import Mismatch
from landscape_cli.problems.checkpoints.renaming import (
    Renamed,
    drop_counter,
    renamings,
    take_prefix,
)
from landscape_cli.problems.checkpoints.ties import complete, tied_names
from landscape_cli.problems.checkpoints.trial import Trial, try_state
from landscape_cli.records.checkpoint_path import CheckpointPath


@dataclass(frozen=True)
class Fit:
    """A state dict that a model can load.

    Args:
        key: dotted key of its entry in the file.
        state: what to give to ``load_state_dict``.
        tensors: the model's state dict as it then is, without copies.
        kept: names of the model's tensors that the file does not change.
        notes: what the user should know of the choice.
    """

    key: str
    state: Mapping[str, Any]
    tensors: Mapping[str, Any]
    kept: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """An attempt to fit an entry: the names it was tried under, and the outcome."""

    key: str
    renamed: Renamed
    trial: Trial
    kept: tuple[str, ...] = ()

    @property
    def faults(self) -> int:
        """Number of names that do not fit."""
        return len(self.trial.missing) + len(self.trial.unexpected) + len(self.trial.errors)


def fit(
    content: Any, model: nn.Module, where: CheckpointPath, adapters: tuple[str, ...] = ()
) -> Fit:
    """Choose the entry that holds the weights, and give its tensors the model's names.

    Args:
        content: what the file holds.
        model: the network.
        where: the file, and the user's choice of an entry and a prefix.
        adapters: names of the model's adapters, for a file of peft: all other tensors are kept.

    Raises:
        CheckpointError: if no entry fits; missing, unexpected and wrongly shaped tensors are
            listed, with what would help.
    """
    entries = _entries(content, where)
    only = where.key is not None or candidates.is_usual(entries[0][0])
    tried = entries[:1] if only else entries
    attempts = [_attempt(entry, model, where, adapters) for entry in tried]
    fitting = [attempt for attempt in attempts if not attempt.faults]
    if fitting:
        best = _choose(fitting, where)
        notes = filter(None, (_chosen_note(best, entries, where), best.renamed.note))
        return Fit(best.key, best.renamed.state, best.trial.tensors, best.kept, tuple(notes))
    best = min(attempts, key=lambda attempt: attempt.faults)
    others = (
        _attempt(entry, model, where, adapters)
        for entry in entries
        if all(entry is not one for one in tried)
    )
    raise Mismatch(
        where,
        best.key,
        best.trial,
        best.renamed.state,
        dict(entries)[best.key],
        model,
        hint=next((other.key for other in others if not other.faults), None),
        adapter=bool(adapters),
    ).error()


def _choose(fitting: Sequence[Attempt], where: CheckpointPath) -> Attempt:
    """Return the only entry that fits, or the only one of them that is no average.

    Raises:
        CheckpointError: if there are several.
    """
    trained = [attempt for attempt in fitting if not candidates.is_average(attempt.key)]
    chosen = trained or fitting
    if len(chosen) > 1:
        keys = [attempt.key or "(the whole file)" for attempt in chosen]
        raise CheckpointError(
            f"checkpoint: several entries of {where.path!r} fit the model: {some(keys)}; name one "
            f"of them, such as {where.path}::{keys[-1]}"
        )
    return chosen[0]


def check_ties(tensors: Mapping[str, Any], groups: Sequence[Sequence[str]], path: str) -> None:
    """Refuse different tensors for names that are one in the model.

    Raises:
        CheckpointError: naming two of them.
    """
    for first, *others in groups:
        for name in others:
            one, other = tensors.get(first), tensors.get(name)
            if isinstance(one, Tensor) and isinstance(other, Tensor) and not _same(one, other):
                raise CheckpointError(
                    f"checkpoint: {path!r} has different tensors for {first} and {name}, which are "
                    "one in the model; untie them in the problem, or check the file"
                )


def _entries(content: Any, where: CheckpointPath) -> list[candidates.Entry]:
    if where.key is not None:
        return [candidates.named_entry(content, where.key, where.path)]
    if not (entries := candidates.entries(content)):
        raise candidates.no_entry(content, where.path)
    return entries


def _attempt(
    entry: candidates.Entry, model: nn.Module, where: CheckpointPath, adapters: tuple[str, ...]
) -> Attempt:
    """Try an entry under every name that may fit, and return the best attempt."""
    key, state = entry
    groups = tied_names(model.state_dict())
    start = Renamed(state)
    if where.prefix is not None:
        start = take_prefix(state, where.prefix, where.path)
    start = Renamed(drop_counter(start.state, model).state, start.note)
    best: Attempt | None = None
    for renamed in renamings(start.state, model, adapters):
        full = _with_ties(renamed.state, groups)
        trial, kept = _forgiving(try_state(model, full), model, adapters)
        note = ", ".join(filter(None, (start.note, renamed.note)))
        attempt = Attempt(key, Renamed(full, note), trial, kept)
        if not attempt.faults:
            return attempt
        if best is None or attempt.faults < best.faults:
            best = attempt
    assert best is not None
    return best


def _with_ties(state: Mapping[str, Any], groups: Sequence[Sequence[str]]) -> Mapping[str, Any]:
    added = complete(state, groups)
    if added:
        state.update(added)  # type: ignore[attr-defined]
    return state


def _forgiving(
    trial: Trial, model: nn.Module, adapters: tuple[str, ...]
) -> tuple[Trial, tuple[str, ...]]:
    """Forgive what the model's class declares to be of no use, and what an adapter leaves out."""
    patterns = [
        pattern
        for module in model.modules()
        for pattern in getattr(module, "_keys_to_ignore_on_load_unexpected", None) or ()
    ]
    unexpected = tuple(
        name for name in trial.unexpected if not any(re.search(one, name) for one in patterns)
    )
    missing = trial.missing
    kept: tuple[str, ...] = ()
    if adapters:
        parts = [f".{adapter}" for adapter in adapters]
        missing = tuple(n for n in trial.missing if any(part in f"{n}." for part in parts))
        kept = tuple(name for name in trial.missing if name not in missing)
    return Trial(missing, unexpected, trial.errors, trial.tensors), kept


def _chosen_note(best: Attempt, entries: Sequence[candidates.Entry], where: CheckpointPath) -> str:
    """Return which entry was taken if the user could expect another one."""
    if where.key is not None:
        return ""
    taken = {names.barest(name) for name in dict(entries)[best.key]}
    others = [
        key
        for key, state in entries
        if key and key != best.key and taken & {names.barest(name) for name in state}
    ]
    if others:
        return (
            f"took the entry {best.key!r}; it also has {some(others)} "
            f"({where.path}::{others[0]} takes that)"
        )
    return f"took the entry {best.key!r}" if best.key and not candidates.is_usual(best.key) else ""


def _same(one: Tensor, other: Tensor) -> bool:
    if one is other:
        return True
    return one.shape == other.shape and bool(torch.equal(one, other.to(one.device, one.dtype)))
