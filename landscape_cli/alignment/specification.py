"""Groups of channels that a user names, for networks that can't be traced."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from landscape_cli.alignment.channels import Layout, fixed, new, repeated, resolve
from landscape_cli.alignment.symmetries import Symmetries
from landscape_cli.errors import UsageError

FORM = "expected {group: [[name, axis], ...]}"

Place = tuple[str, int]


def specified(groups: Any, model: nn.Module) -> Symmetries:
    """Return the symmetries that a user names.

    Args:
        groups: for each group of channels the axes that they run along, as [name, axis], or
            [name, axis, repeat] if each channel has several entries in a row there.
        model: the network.

    Raises:
        UsageError: naming the group, what is wrong with it, and what would be right.
    """
    if not isinstance(groups, Mapping) or not groups:
        raise UsageError(f"--groups: {FORM}, got {_brief(groups)}")
    state = {n: t for n, t in model.state_dict(keep_vars=True).items() if isinstance(t, Tensor)}
    aliases = _aliases(state)
    axes: dict[str, list[Layout]] = {
        name: [fixed(size) for size in tensor.shape] for name, tensor in state.items()
    }
    taken: dict[Place, str] = {}
    bundles = []
    for group, members in groups.items():
        if not isinstance(members, list) or not members:
            raise UsageError(f"--groups: {group}: {FORM}, got {_brief(members)}")
        layout: Layout | None = None
        for member in members:
            name, axis, repeat = _member(group, member, state)
            place = aliases.get(name, name), axis
            if place in taken:
                raise UsageError(
                    f"--groups: {group}: axis {axis} of {name} is in {taken[place]} already; "
                    "an axis belongs to one group"
                )
            taken[place] = str(group)
            size = state[name].shape[axis] // repeat
            layout = layout or new(size)
            if size != layout[0].length:
                raise UsageError(
                    f"--groups: {group}: axis {axis} of {name} has {size} channels, but that of "
                    f"{members[0][0]} has {layout[0].length}; give [name, axis, repeat] where each "
                    "channel has several entries in a row"
                )
            for other in (one for one in state if aliases.get(one, one) == place[0]):
                axes[other][axis] = repeated(layout, repeat)
        bundles += [one.family.bundle for one in layout or () if one.family is not None]
    resolved = {name: [resolve(layout) for layout in layouts] for name, layouts in axes.items()}
    return Symmetries(resolved, tuple(one for one in bundles if one.size > 1), aliases, {})


def _member(group: Any, member: Any, state: Mapping[str, Tensor]) -> tuple[str, int, int]:
    """Check one axis of a group."""
    whole = isinstance(member, list) and len(member) in (2, 3) and isinstance(member[0], str)
    if not whole or not all(type(number) is int for number in member[1:]):
        raise UsageError(f"--groups: {group}: expected [name, axis], got {_brief(member)}")
    name, axis = member[:2]
    repeat = member[2] if len(member) == 3 else 1
    if name not in state:
        near = difflib.get_close_matches(name, state, 1) or list(state)[:1]
        raise UsageError(
            f"--groups: {group}: the model has no tensor {name!r}; did you mean {near[0]!r}?"
        )
    shape = tuple(state[name].shape)
    if not -len(shape) <= axis < len(shape):
        raise UsageError(f"--groups: {group}: {name} of shape {shape} has no axis {axis}")
    if repeat < 1 or shape[axis] % repeat:
        raise UsageError(
            f"--groups: {group}: axis {axis} of {name} has {shape[axis]} entries, which is no "
            f"multiple of the repeat {repeat}"
        )
    return name, axis % len(shape), repeat


def _aliases(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Return other names of tensors in the same memory, with the first of their names."""
    first: dict[Any, str] = {}
    aliases = {}
    for name, tensor in state.items():
        if tensor.numel():
            place = (tensor.data_ptr(), tuple(tensor.shape), tensor.stride())
            if place in first:
                aliases[name] = first[place]
            first.setdefault(place, name)
    return aliases


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
