"""The permutation symmetries of a network: which axes of its tensors are permuted together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from landscape_cli.alignment.channels import Bundle, Family, Layout, resolve
from landscape_cli.alignment.reading import Reader, storage_of
from landscape_cli.alignment.tracing import Inputs, own_tensors, trace
from landscape_cli.alignment.values import Value


@dataclass(frozen=True)
class Symmetries:
    """Axes of a network's tensors, and the bundles that permute them.

    Args:
        axes: for each entry of the state dict, the layout of each dimension.
        bundles: those that permute something.
        aliases: other names of tensors, with the name under which they are matched.
        unknown: names of operations of which nothing is known, with how often they occur.
    """

    axes: Mapping[str, Sequence[Layout]]
    bundles: Sequence[Bundle]
    aliases: Mapping[str, str]
    unknown: Mapping[str, int]

    @property
    def matched(self) -> dict[str, Sequence[Layout]]:
        """The axes of each tensor once, under one of its names."""
        return {name: one for name, one in self.axes.items() if name not in self.aliases}

    def members(self, bundle: Bundle) -> list[tuple[str, int]]:
        """Return the axes that a bundle permutes, as (name, dimension)."""
        return [
            (name, dim)
            for name, layouts in self.matched.items()
            for dim, layout in enumerate(layouts)
            if any(one.family is not None and one.family.bundle is bundle for one in layout)
        ]


def find_symmetries(model: nn.Module, calls: Sequence[Inputs]) -> Symmetries:
    """Find the permutations of channels that leave a network's function unchanged.

    Every operation of the graph restricts them by what it demands of its tensors; one of which
    nothing is known pins all channels that touch it.

    Args:
        model: the network.
        calls: what it is called with; several if it is called in several ways.

    Raises:
        ProblemError: if the network can't be traced.
    """
    tensors = own_tensors(model)
    values = _values(tensors)
    strange: dict[str, int] = defaultdict(int)
    used: set[int] = set()
    for inputs in calls:
        used |= Reader(trace(model, inputs), tensors, values, strange).read()
    stored = {id(tensor) for tensor in model.state_dict(keep_vars=True).values()}
    for name, value in values.items():
        if id(value) not in used or id(tensors[name]) not in stored:
            value.pin()
    return _symmetries(model, values, strange)


def _values(tensors: Mapping[str, Tensor]) -> dict[str, Value]:
    """Return a value for each tensor, the same one for tensors with the same memory.

    Tensors that share some of their memory are pinned.
    """
    values: dict[str, Value] = {}
    owners: dict[int, tuple[Tensor, Value]] = {}
    for name, tensor in tensors.items():
        place = storage_of(tensor)
        owner = owners.get(place) if place else None
        if owner is None:
            values[name] = Value.new(tuple(tensor.shape))
            owners[place] = tensor, values[name]
        elif _same_view(tensor, owner[0]):
            values[name] = owner[1]
        else:
            owner[1].pin()
            values[name] = Value.unknown(tuple(tensor.shape))
    return values


def _same_view(one: Tensor, other: Tensor) -> bool:
    return (one.data_ptr(), one.shape, one.stride()) == (
        other.data_ptr(),
        other.shape,
        other.stride(),
    )


def _symmetries(
    model: nn.Module, values: Mapping[str, Value], strange: Mapping[str, int]
) -> Symmetries:
    """Collect what is left of the channels, for every entry of the state dict."""
    state = model.state_dict(keep_vars=True)
    names = {id(tensor): name for name, tensor in own_tensors(model).items()}
    first: dict[int, str] = {}
    axes: dict[str, list[Layout]] = {}
    aliases: dict[str, str] = {}
    for name, tensor in state.items():
        own = names.get(id(tensor)) if isinstance(tensor, Tensor) else None
        if own is None:
            continue
        value = values[own]
        if id(value) in first:
            aliases[name] = first[id(value)]
        first.setdefault(id(value), name)
        value.settle()
        axes[name] = [resolve(value.layout(dim)) for dim in range(len(value.shape))]
    return Symmetries(axes, tuple(_bundles(axes.values())), aliases, dict(strange))


def _bundles(axes: Any) -> Iterator[Bundle]:
    """Yield each bundle that permutes something, in the order of the network's tensors."""
    seen: set[int] = set()
    for family in families_of(axes):
        bundle = family.bundle
        if id(bundle) not in seen and bundle.size * family.width > 1:
            seen.add(id(bundle))
            yield bundle


def families_of(axes: Any) -> Iterator[Family]:
    """Yield the families of the tensors' axes, as often as they occur."""
    for layouts in axes:
        for layout in layouts:
            for segment in layout:
                if segment.family is not None:
                    yield segment.family
