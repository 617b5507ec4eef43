"""Checkpoints of one network as parameters, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from landscape_cli.problems.checkpoints import fit_state, read_checkpoint, refuse_not_finite


def perturbed(model: nn.Module, buffers: Sequence[str] = ()) -> dict[str, Tensor]:
    """A model's tensors that a direction has entries for, by name, in the model's order.

    Args:
        model: the network.
        buffers: names of the buffers that directions have entries for too; with some, the order is
            that of the state dict.
    """
    own = {name: tensor.detach() for name, tensor in model.named_parameters()}
    if buffers:
        own |= {name: tensor for name, tensor in model.named_buffers() if name in buffers}
        own = {name: own[name] for name in model.state_dict() if name in own}
    return {name: tensor.cpu() for name, tensor in own.items() if tensor.is_floating_point()}


@dataclass
class Reader:
    """Reads checkpoints by number, and refuses those that are not of this network.

    Args:
        paths: their files.
        model: the network, whose names, shapes and dtypes all must have.
        tensors: the tensors to read.
        after: is called after each.
    """

    paths: Sequence[str]
    model: nn.Module
    tensors: Mapping[str, Tensor]
    after: Callable[[], None] = lambda: None
    stored: dict[int, Any] = field(default_factory=dict)
    """What each file read so far holds as its epoch."""

    def __call__(self, number: int) -> dict[str, Tensor]:
        """The tensors of a checkpoint.

        Raises:
            CheckpointError: naming the file, if it can't be read, is of another network, or holds
                numbers that are not finite.
        """
        path = self.paths[number]
        tensors, around = read_weights(path, self.model, self.tensors)
        self.stored[number] = around.get("epoch")
        self.after()
        return tensors


def read_weights(
    path: str, model: nn.Module, tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """Some tensors of a checkpoint in a model's dtypes, and what the file holds besides.

    Raises:
        CheckpointError: naming the file, if it can't be read, is of another network, or holds
            numbers that are not finite.
    """
    state, around = read_checkpoint(path)
    fitting = fit_state(state, model.state_dict(), path)
    found = {name: fitting[name].to(like.dtype) for name, like in tensors.items()}
    refuse_not_finite(found, path)
    return found, around
