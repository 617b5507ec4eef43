"""Alignment of networks to a reference, with a check that their functions stay the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from landscape_cli.alignment.channels import Bundle
from landscape_cli.alignment.matching import Match, match_weights
from landscape_cli.alignment.permutations import apply, families_of, size_of
from landscape_cli.alignment.specification import specified
from landscape_cli.alignment.symmetries import Symmetries, find_symmetries
from landscape_cli.alignment.tracing import REMEDY, Inputs, own_tensors, tensors_of, unchanged
from landscape_cli.errors import ProblemError, cause, some

TOLERANCE = 1e-4
"""Largest difference between a permuted network's outputs and its own, relative to the largest."""


@dataclass(frozen=True)
class Group:
    """Channels of the network that were permuted together.

    Args:
        blocks: number of blocks.
        axes: the axes in question, as (name, dimension).
        moved: number of blocks that came to another place.
    """

    blocks: int
    axes: tuple[tuple[str, int], ...]
    moved: int


@dataclass(frozen=True)
class Aligned:
    """A network with its channels in the order of the reference's.

    Args:
        tensors: by the names of the state dict.
        match: the permutations, and the squared distances without and with them.
        groups: what was permuted.
        deviation: largest difference of outputs from those before, relative to the largest output.
    """

    tensors: dict[str, Tensor]
    match: Match
    groups: tuple[Group, ...]
    deviation: float


class Aligner:
    """Aligns networks of one architecture.

    Args:
        model: a network of it, which is not changed.
        calls: what it is called with, from ``capture``.
        groups: the groups of channels from a user's file; found from the graph if None.

    Raises:
        ProblemError: if the network can't be traced, or no channels can be permuted.
        UsageError: if the user's groups do not suit the network.

    Attributes:
        symmetries: which channels can be permuted.
        weights: names of the parameters in the state dict.
    """

    def __init__(self, model: nn.Module, calls: Sequence[Inputs], groups: Any = None) -> None:
        self.model, self.calls, self._named = model, calls, groups is not None
        self.symmetries: Symmetries = (
            find_symmetries(model, calls) if groups is None else specified(groups, model)
        )
        if not self.symmetries.bundles:
            raise ProblemError(
                "Problem.model: no channels were found that can be permuted"
                f"{self._blame()}; {REMEDY}, if it has some"
            )
        state = model.state_dict(keep_vars=True)
        self.weights = [n for n, one in state.items() if isinstance(one, nn.Parameter)]

    def align(
        self, reference: Mapping[str, Tensor], other: Mapping[str, Tensor], seed: int = 0
    ) -> Aligned:
        """Permute a network's channels to match a reference's.

        Args:
            reference: tensors by the names of the state dict.
            other: those of the network to permute.
            seed: of the order in which groups are visited.

        Raises:
            ProblemError: if the network's outputs are others afterwards.
        """
        match = match_weights(self.symmetries, reference, other, self.weights, seed)
        tensors = apply(self.symmetries, other, match.orders)
        deviation = self._deviation(other, tensors)
        if not deviation <= TOLERANCE:
            raise ProblemError(
                f"alignment: outputs of the permuted network differ by {deviation:.2g} of the "
                f"largest, more than {TOLERANCE:g}: its channels can't be permuted like this; "
                "correct the groups, or pass --groups with fewer"
            )
        groups = tuple(self._group(bundle, match) for bundle in self.symmetries.bundles)
        return Aligned(tensors, match, groups, deviation)

    def unaligned(self) -> list[str]:
        """Return the names of parameters none of whose axes is permuted."""
        return [
            name
            for name, layouts in self.symmetries.matched.items()
            if name in self.weights
            and all(segment.family is None for layout in layouts for segment in layout)
        ]

    def _group(self, bundle: Bundle, match: Match) -> Group:
        family = families_of(bundle)[0]
        order = match.orders[family] // family.width
        places = torch.arange(size_of(family)) // family.width
        moved = int((order != places).sum()) // family.width
        return Group(bundle.size, tuple(self.symmetries.members(bundle)), moved)

    def _deviation(self, before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
        """Return how much the outputs of all calls differ, relative to the largest."""
        found = 0.0
        for inputs in self.calls:
            pairs = zip(self._outputs(before, inputs), self._outputs(after, inputs), strict=True)
            found = max(found, *(relative_difference(one, other) for one, other in pairs), 0.0)
        return found

    def _outputs(self, tensors: Mapping[str, Tensor], inputs: Inputs) -> list[Tensor]:
        """Return the outputs in float64, or as the network computes them if it insists."""
        try:
            return self._called(tensors, inputs, _wide)
        except Exception:  # of code that asks for another dtype
            try:
                return self._called(tensors, inputs, Tensor.clone)
            except Exception as error:
                if self._named:  # TorchScript and others that take no other tensors
                    return []
                raise ProblemError(f"Problem.model: it failed: {cause(error)}") from error

    def _called(
        self, tensors: Mapping[str, Tensor], inputs: Inputs, convert: Callable[[Tensor], Tensor]
    ) -> list[Tensor]:
        model = self.model
        own = {id(one): name for name, one in model.state_dict(keep_vars=True).items()}
        given = {
            name: convert(tensors[own[id(one)]] if id(one) in own else one.detach())
            for name, one in own_tensors(model).items()
        }
        args, kwargs = pytree.tree_map_only(Tensor, convert, (inputs.args, dict(inputs.kwargs)))
        with torch.no_grad(), torch.random.fork_rng(devices=[]), unchanged(model):
            torch.manual_seed(0)
            return tensors_of(torch.func.functional_call(model, given, args, kwargs))

    def _blame(self) -> str:
        unknown = self.symmetries.unknown
        return f" (nothing is known of {some(sorted(unknown))})" if unknown else ""


def align_networks(
    model: nn.Module,
    calls: Sequence[Inputs],
    reference: Mapping[str, Tensor],
    other: Mapping[str, Tensor],
    seed: int = 0,
) -> Aligned:
    """Permute the channels of a network to match another one's, by matching their weights.

    Args:
        model: a network of their architecture, which is not changed.
        calls: what it is called with, from ``capture``.
        reference: tensors by the names of the state dict.
        other: those of the network to permute.
        seed: of the order in which groups are visited.

    Raises:
        ProblemError: if the network can't be traced, no channels can be permuted, or outputs are
            others afterwards.

    Example:
        >>> _ = torch.manual_seed(0)
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
        >>> first = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        >>> order = torch.randperm(8)
        >>> second = {name: first[name][order] for name in ("0.weight", "0.bias")}
        >>> second |= {"2.weight": first["2.weight"][:, order], "2.bias": first["2.bias"]}
        >>> aligned = align_networks(model, [Inputs((torch.randn(3, 4),), {})], first, second)
        >>> all(torch.equal(aligned.tensors[name], first[name]) for name in first)
        True
    """
    return Aligner(model, calls).align(reference, other, seed)


def relative_difference(one: Tensor, other: Tensor) -> float:
    """Return the largest difference of two tensors, relative to the largest entry."""
    if not (one.is_floating_point() or one.is_complex()) or one.numel() == 0:
        return 0.0
    wide = [_wide(one), _wide(other)]
    same = (wide[0] == wide[1]) | (wide[0].isnan() & wide[1].isnan())
    difference = torch.where(same, torch.zeros_like(wide[0]), wide[0] - wide[1]).abs().max()
    finite = wide[0].abs()[wide[0].isfinite()]
    largest = float(finite.max()) if finite.numel() else 0.0
    found = float(difference)
    return found / largest if largest else found


def _wide(tensor: Tensor) -> Tensor:
    """Return a copy of a tensor, in float64 or complex128 if it is no integer."""
    if tensor.is_complex():
        return tensor.to(torch.complex128, copy=True)
    return tensor.to(torch.float64 if tensor.is_floating_point() else tensor.dtype, copy=True)
