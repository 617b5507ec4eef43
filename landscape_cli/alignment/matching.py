"""Weight matching: the order of channels that brings one network closest to another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from landscape_cli.alignment.channels import Bundle, Family, Segment
from landscape_cli.alignment.permutations import (
    Orders,
    families_of,
    permuted,
    size_of,
    unchanged,
)
from landscape_cli.alignment.symmetries import Symmetries
from landscape_cli.util.tensors import movable

MOST_SWEEPS = 1000
"""Upper bound on the sweeps over all bundles; a few suffice."""

LEAST_GAIN = 1e-12
"""Least rise of the inner product that counts, as a fraction of the reference's squared norm."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Match:
    """Orders of channels, and how close they bring a network to the reference.

    Args:
        orders: the channel of the other network that comes to each place.
        before: squared distance of the parameters without them.
        after: squared distance with them.
        sweeps: number of sweeps over all bundles.
    """

    orders: Orders
    before: float
    after: float
    sweeps: int


def match_weights(
    symmetries: Symmetries,
    reference: Mapping[str, Tensor],
    other: Mapping[str, Tensor],
    weights: Collection[str],
    seed: int = 0,
) -> Match:
    """Find the permutations that maximize the inner product of two networks' weights.

    Coordinate descent: one bundle at a time gets its best order while all others stand, until no
    bundle gains any more (Ainsworth et al. 2023, *Git Re-Basin*, Algorithm 1). Where blocks have
    several channels, each pair of blocks is matched within before the blocks are. Sums are in
    float64.

    Args:
        symmetries: of the network.
        reference: its tensors by the names of its state dict.
        other: those of the network to permute.
        weights: names of the tensors that count, such as the parameters.
        seed: of the order in which bundles are visited.
    """
    return _Descent(symmetries, reference, other, weights).run(seed)


class _Descent:
    """Coordinate descent on the orders of bundles."""

    def __init__(
        self,
        symmetries: Symmetries,
        reference: Mapping[str, Tensor],
        other: Mapping[str, Tensor],
        weights: Collection[str],
    ) -> None:
        self._symmetries = symmetries
        self._axes = {
            name: layouts
            for name, layouts in symmetries.matched.items()
            if name in weights and movable(reference[name])
        }
        self._reference, self._other = (
            {name: _wide(tensors[name]) for name in self._axes} for tensors in (reference, other)
        )
        self._orders = unchanged(symmetries.bundles)

    def run(self, seed: int) -> Match:
        """Sweep over all bundles until none gains."""
        random, bundles = np.random.default_rng(seed), self._symmetries.bundles
        before = self._distance()
        scale = sum(float(tensor.square().sum()) for tensor in self._reference.values())
        neighbours = self._neighbours()
        sweeps, due = 0, set(range(len(bundles)))
        while due and sweeps < MOST_SWEEPS:
            for one in random.permutation(len(bundles)):
                if one in due:
                    due.discard(one)
                    if self._step(bundles[one]) > LEAST_GAIN * scale:
                        due |= neighbours[one]
            sweeps += 1
        return Match(self._orders, before, self._distance(), sweeps)

    def _neighbours(self) -> list[set[int]]:
        """Return for each bundle those whose best order depends on its own."""
        numbers = {id(bundle): number for number, bundle in enumerate(self._symmetries.bundles)}
        found: list[set[int]] = [set() for _ in numbers]
        for layouts in self._axes.values():
            along = [
                {numbers[id(one.family.bundle)] for one in layout if one.family is not None}
                for layout in layouts
            ]
            for dim, here in enumerate(along):
                others = set().union(*along[:dim], *along[dim + 1 :])
                for one in here:
                    found[one] |= others
        return found

    def _step(self, bundle: Bundle) -> float:
        """Give a bundle its best order while the others stand; return what is gained."""
        products = self._products(bundle)
        if not products:
            return 0.0
        found = _assign(bundle, products)
        before = {family: self._orders[family] for family in found}
        gain = sum(
            _total(product, found[family]) - _total(product, before[family])
            for family, product in products.items()
        )
        if gain <= 0:
            return 0.0
        if not self._twice(bundle):
            self._orders.update(found)
            return gain
        start = self._distance()
        self._orders.update(found)
        gain = (start - self._distance()) / 2
        if gain <= 0:
            self._orders.update(before)
        return max(gain, 0.0)

    def _products(self, bundle: Bundle) -> dict[Family, Matrix]:
        """Return the inner products of each reference channel with each of the other network's."""
        found: dict[Family, Matrix] = {}
        for name, layouts in self._axes.items():
            for dim, layout in enumerate(layouts):
                if not any(one.family and one.family.bundle is bundle for one in layout):
                    continue
                one = self._reference[name]
                other = permuted(self._other[name], layouts, self._orders, but=dim)
                start = 0
                for segment in layout:
                    family = segment.family
                    if family is not None and family.bundle is bundle:
                        rows = [_rows(each, dim, start, segment) for each in (one, other)]
                        product = (rows[0] @ rows[1].T).numpy()
                        found[family] = found.get(family, 0) + product
                    start += segment.length
        return found

    def _twice(self, bundle: Bundle) -> bool:
        """Tell whether a bundle permutes two axes of one tensor, which is no linear assignment."""
        members = [name for name, _ in self._symmetries.members(bundle)]
        return len(set(members)) < len(members)

    def _distance(self) -> float:
        """Return the squared distance of the permuted network from the reference."""
        total = 0.0
        for name, layouts in self._axes.items():
            other = permuted(self._other[name], layouts, self._orders)
            total += float((self._reference[name] - other).square().sum())
        return total


def _wide(tensor: Tensor) -> Tensor:
    """Return a tensor in float64, with real and imaginary parts along a last dimension."""
    tensor = tensor.detach().cpu()
    if tensor.is_complex():
        tensor = torch.view_as_real(tensor.resolve_conj())
    return tensor.to(torch.float64)


def _rows(tensor: Tensor, dim: int, start: int, segment: Segment) -> Tensor:
    """Return the entries of each channel of a segment as a row."""
    part = tensor.narrow(dim, start, segment.length).movedim(dim, 0)
    return part.reshape(segment.length // segment.repeat, -1)


def _assign(bundle: Bundle, products: Mapping[Family, Matrix]) -> Orders:
    """Return the order of a bundle's blocks, and of the channels within, of the largest sum."""
    size = bundle.size
    scores: Matrix = np.zeros((size, size))
    within: dict[Family, NDArray[np.int64]] = {}
    for family, product in products.items():
        if family.width == 1:
            scores += product
        else:
            sums, within[family] = _within(product, size, family.width)
            scores += sums
    _, blocks = linear_sum_assignment(scores, maximize=True)
    orders: Orders = {}
    for family in families_of(bundle):
        inner = np.arange(family.width)[None, :].repeat(size, 0)
        if family in within:
            inner = within[family][np.arange(size), blocks]
        orders[family] = torch.from_numpy((blocks[:, None] * family.width + inner).ravel())
        assert len(orders[family]) == size_of(family)
    return orders


def _within(product: Matrix, size: int, width: int) -> tuple[Matrix, NDArray[np.int64]]:
    """Match the channels within each pair of blocks.

    Args:
        product: inner products of channels, shape (size * width, size * width).
        size: number of blocks.
        width: channels of a block.

    Returns:
        The sum of each pair, shape (size, size), and its order, shape (size, size, width).
    """
    pairs = product.reshape(size, width, size, width).transpose(0, 2, 1, 3)
    sums: Matrix = np.zeros((size, size))
    orders = np.zeros((size, size, width), dtype=np.int64)
    for one in range(size):
        for other in range(size):
            pair = pairs[one, other]
            rows, columns = linear_sum_assignment(pair, maximize=True)
            sums[one, other], orders[one, other] = pair[rows, columns].sum(), columns
    return sums, orders


def _total(product: Matrix, order: Tensor) -> float:
    return float(product[np.arange(len(order)), order.numpy()].sum())
