"""Ways to rename a checkpoint's tensors so that they may fit a model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints import names
from landscape_cli.problems.checkpoints.trial import COUNTERS, copy_metadata

AVERAGED = "n_averaged"
"""The counter that ``torch.optim.swa_utils.AveragedModel`` adds to a model's own tensors."""


@dataclass(frozen=True)
class Renamed:
    """A state dict under other names.

    Args:
        state: the tensors, with the metadata of PyTorch.
        note: what was done, for the user; empty for what needs no mention.
    """

    state: Mapping[str, Any]
    note: str = ""


def take_prefix(state: Mapping[str, Any], prefix: str, path: str) -> Renamed:
    """Return the tensors whose names begin with a prefix, without it.

    Raises:
        CheckpointError: if there are none.
    """
    for shorten in (str, names.bare):
        taken = {name: shorten(name) for name in state if shorten(name).startswith(prefix)}
        if taken:
            left = [name for name in state if name not in taken]
            renamed = rename(
                {name: state[name] for name in taken},
                {name: short.removeprefix(prefix) for name, short in taken.items()},
                copy_metadata(state),
                _chain(shorten, prefix),
            )
            note = f"leaves out {some(left)}, not below {prefix!r}" if left else ""
            return Renamed(renamed, note)
    starts = dict.fromkeys(name.partition(".")[0] + "." for name in state)
    raise CheckpointError(
        f"checkpoint: no name of {path!r} begins with the prefix {prefix!r}; they begin with "
        f"{some(list(starts))}"
    )


def drop_counter(state: Mapping[str, Any], model: nn.Module) -> Renamed:
    """Leave out the counter of an averaged model if the network is not one."""
    own = model.state_dict()
    extra = [
        name
        for name, value in state.items()
        if names.bare(name) == AVERAGED and name not in own and isinstance(value, Tensor)
    ]
    if not extra or any(state[name].numel() != 1 for name in extra):
        return Renamed(state)
    kept = {name: value for name, value in state.items() if name not in extra}
    return Renamed(rename(kept, {}, copy_metadata(state), str))


def renamings(
    state: Mapping[str, Any], model: nn.Module, adapters: tuple[str, ...] = ()
) -> Iterator[Renamed]:
    """Yield the state dict under names that may fit, the least changed first.

    Args:
        state: the checkpoint's tensors.
        model: the network.
        adapters: names of the model's adapters, for a file of peft.
    """
    own = list(model.state_dict())
    modules = [path for path, _ in model.named_modules(remove_duplicate=False)]
    metadata = copy_metadata(state)
    tried: list[dict[str, str]] = []
    for change in _changes(list(state), own):
        changed = {name: change.of(name) for name in state}
        if adapters:
            mapped = names.adapted(changed.values(), own, adapters)
            changed = {name: mapped[one] for name, one in changed.items()}
        placed = names.onto(changed.values(), own, modules, change.shorten)
        if placed is None or len(set(changed.values())) < len(changed):
            continue
        new = {name: placed[one] for name, one in changed.items()}
        if new not in tried:
            tried.append(new)
            yield Renamed(rename(state, new, metadata, change.of), change.note)


@dataclass(frozen=True)
class _Change:
    """A change of names: the change itself, what to ignore on both sides, and what to say."""

    of: Callable[[str], str]
    shorten: Callable[[str], str]
    note: str = ""


def _changes(stored: Sequence[str], own: Sequence[str]) -> Iterator[_Change]:
    """Yield changes of a checkpoint's names.

    None at first; then without the attributes of wrappers such as DataParallel; without a prefix
    that all names share; with one that the model's names have.
    """
    yield _Change(str, str)
    yield _Change(names.bare, names.bare)
    yield _Change(names.barest, names.barest)
    shorts = [names.bare(name) for name in stored]
    for prefix in names.removable(shorts):
        note = f"removed the prefix {prefix!r} of all names, which then fit"
        yield _Change(_chain(names.bare, prefix), names.bare, note)
    known = [name for name in shorts if not name.endswith(COUNTERS)]
    for prefix in names.addable(known, [names.bare(name) for name in own]):
        note = f"added the prefix {prefix!r} to all names, which then fit"
        yield _Change(_with(prefix), names.bare, note)


def rename(
    state: Mapping[str, Any],
    new: Mapping[str, str],
    metadata: Mapping[str, Mapping[str, Any]],
    place: Callable[[str], str],
) -> Mapping[str, Any]:
    """Return a state dict with other names, and its metadata under other paths.

    Args:
        state: the tensors.
        new: the new name of each; those left out keep theirs.
        metadata: the versions of modules by path.
        place: changes a path with a dot at its end.
    """
    renamed: OrderedDict[str, Any] = OrderedDict(
        (new.get(name, name), value) for name, value in state.items()
    )
    versions = {
        (place(f"{path}.") if path else "").removesuffix("."): v for path, v in metadata.items()
    }
    renamed._metadata = versions  # type: ignore[attr-defined]
    return renamed


def _chain(shorten: Callable[[str], str], prefix: str) -> Callable[[str], str]:
    return lambda name: shorten(name).removeprefix(prefix)


def _with(prefix: str) -> Callable[[str], str]:
    return lambda name: prefix + names.bare(name)
