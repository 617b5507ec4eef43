"""Orders of channels, and tensors in such an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from landscape_cli.alignment.channels import Bundle, Family, Layout
from landscape_cli.alignment.symmetries import Symmetries

Orders = dict[Family, Tensor]
"""For each family, the channel that comes to each place: int64, shape (blocks * width,)."""


def families_of(bundle: Bundle) -> list[Family]:
    """Return the families of a bundle that still stand."""
    return [family for family in bundle.families if family.became is None]


def size_of(family: Family) -> int:
    """Return the number of a family's channels."""
    return family.bundle.size * family.width


def unchanged(bundles: Iterable[Bundle]) -> Orders:
    """Return the orders that leave every channel where it is."""
    return {
        family: torch.arange(size_of(family))
        for bundle in bundles
        for family in families_of(bundle)
    }


def random_orders(bundles: Iterable[Bundle], generator: torch.Generator) -> Orders:
    """Draw the order of each bundle's blocks, and of each family's channels within them."""
    orders: Orders = {}
    for bundle in bundles:
        blocks = torch.randperm(bundle.size, generator=generator)
        for family in families_of(bundle):
            within = torch.stack(
                [torch.randperm(family.width, generator=generator) for _ in range(bundle.size)]
            )
            orders[family] = (blocks[:, None] * family.width + within).flatten()
    return orders


def order_of(layout: Layout, orders: Orders) -> Tensor | None:
    """Return the entry that comes to each place of an axis; None if all stay."""
    if all(segment.family is None for segment in layout):
        return None
    start, pieces = 0, []
    for segment in layout:
        if segment.family is None:
            pieces.append(torch.arange(start, start + segment.length))
        else:
            channels = orders[segment.family][:, None] * segment.repeat
            pieces.append(start + (channels + torch.arange(segment.repeat)).flatten())
        start += segment.length
    return torch.cat(pieces)


def permuted(
    tensor: Tensor, layouts: Sequence[Layout], orders: Orders, but: int | None = None
) -> Tensor:
    """Return a tensor with its axes in these orders.

    Args:
        tensor: the tensor.
        layouts: of its axes.
        orders: of the families.
        but: an axis to leave as it is.
    """
    for dim, layout in enumerate(layouts):
        order = None if dim == but else order_of(layout, orders)
        if order is not None:
            tensor = tensor.index_select(dim, order.to(tensor.device))
    return tensor


def apply(
    symmetries: Symmetries, tensors: Mapping[str, Tensor], orders: Orders
) -> dict[str, Tensor]:
    """Return a network's tensors with their channels in these orders.

    Args:
        symmetries: of the network.
        tensors: by the names of its state dict; those without known axes stay as they are.
        orders: of the families.
    """
    return {
        name: permuted(tensor, symmetries.axes[name], orders) if name in symmetries.axes else tensor
        for name, tensor in tensors.items()
    }
