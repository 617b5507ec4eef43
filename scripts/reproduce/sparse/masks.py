"""Masks of the parameters that pruning keeps in wide perceptrons."""

from __future__ import annotations

import torch
from perceptrons import Perceptrons
from torch import Tensor

Masks = list[Tensor]
"""Of the shapes of ``Perceptrons.tensors``: 1 for a parameter that is kept, 0 for a pruned one."""


def thin_parameters(networks: Perceptrons, width: int) -> int:
    """Return the number of parameters of the network with this width of its one hidden layer."""
    into, _, out, last = (tensor[0] for tensor in networks.tensors)
    return width * (into.shape[1] + 1 + out.shape[0]) + last.numel()


def kept_weights(networks: Perceptrons, count: int) -> Masks:
    """Keep the largest parameters of each network by magnitude, over all layers together.

    The biases of the last layer are always kept.

    Args:
        networks: the networks.
        count: number of parameters that each keeps.
    """
    *hidden, last = (tensor.detach() for tensor in networks.tensors)
    sizes = torch.cat([tensor.abs().flatten(1) for tensor in hidden], 1)
    chosen = sizes.topk(count - last[0].numel(), dim=1).indices
    flat = torch.zeros_like(sizes).scatter_(1, chosen, 1.0)
    parts = flat.split([tensor[0].numel() for tensor in hidden], 1)
    masks = [part.reshape(t.shape) for part, t in zip(parts, hidden, strict=True)]
    return [*masks, torch.ones_like(last)]


def kept_units(networks: Perceptrons, width: int) -> Masks:
    """Keep the units of the hidden layer with the largest product of norms, of what they read and
    of what they write.

    Args:
        networks: networks with one hidden layer.
        width: number of units that each keeps.
    """
    into, bias, out, last = (tensor.detach() for tensor in networks.tensors)
    reads = torch.cat([into, bias.unsqueeze(2)], 2).norm(dim=2)
    chosen = (reads * out.norm(dim=1)).topk(width, dim=1).indices
    unit = torch.zeros_like(reads).scatter_(1, chosen, 1.0)
    return [
        unit.unsqueeze(2).expand_as(into).clone(),
        unit,
        unit.unsqueeze(1).expand_as(out).clone(),
        torch.ones_like(last),
    ]


def without_pruned_units(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a network's state dict without the hidden units whose weights are all zero."""
    into, bias, out, last = state.values()
    unit = (into != 0).any(1) | (out != 0).any(0) | (bias != 0)
    return dict(zip(state, (into[unit], bias[unit], out[:, unit], last), strict=True))


def nonzero(state: dict[str, Tensor]) -> int:
    """Count a network's parameters that are not zero."""
    return sum(int(torch.count_nonzero(tensor)) for tensor in state.values())
