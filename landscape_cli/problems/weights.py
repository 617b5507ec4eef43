"""Reading of several checkpoints of one network as tensors, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from landscape_cli.problems.checkpoints import fit_state, read_checkpoint, refuse_not_finite


def perturbed(model: nn.Module, buffers: Sequence[str] = ()) -> dict[str, Tensor]:
    """Tensors of a model that a direction perturbs, by name, in the model's order.

    Args:
        model: the network.
        buffers: names of buffers that directions perturb too; if there are any, the order is that
            of the state dict.
    """
    own = {name: tensor.detach() for name, tensor in model.named_parameters()}
    if buffers:
        own |= {name: tensor for name, tensor in model.named_buffers() if name in buffers}
        own = {name: own[name] for name in model.state_dict() if name in own}
    return {name: tensor.cpu() for name, tensor in own.items() if tensor.is_floating_point()}


@dataclass
class Reader:
    """Reads checkpoints by index, and refuses those of another network.

    Args:
        paths: the checkpoints' files.
        model: the network, whose names and shapes every checkpoint must have.
        tensors: the tensors to read, by name; checkpoints are converted to their dtypes.
        after: called after each checkpoint.
    """

    paths: Sequence[str]
    model: nn.Module
    tensors: Mapping[str, Tensor]
    after: Callable[[], None] = lambda: None
    stored: dict[int, Any] = field(default_factory=dict)
    """By index, the entry ``epoch`` of each checkpoint read so far; None if there is none."""

    def __call__(self, number: int) -> dict[str, Tensor]:
        """Read the tensors of one checkpoint.

        Raises:
            CheckpointError: if the file can't be read, belongs to another network, or holds
                numbers that are not finite; the message names the file.
        """
        path = self.paths[number]
        tensors, container = read_weights(path, self.model, self.tensors)
        self.stored[number] = container.get("epoch")
        self.after()
        return tensors


def read_weights(
    path: str, model: nn.Module, tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """Read some tensors of a checkpoint.

    Args:
        path: the checkpoint's file.
        model: the network, whose names and shapes the checkpoint must have.
        tensors: the tensors to read, by name; the checkpoint is converted to their dtypes.

    Returns:
        The tensors, and the dict that contains the state dict, empty if the file holds it alone.

    Raises:
        CheckpointError: if the file can't be read, belongs to another network, or holds numbers
            that are not finite; the message names the file.
    """
    state, container = read_checkpoint(path)
    fitting = fit_state(state, model.state_dict(), path)
    selected = {name: fitting[name].to(like.dtype) for name, like in tensors.items()}
    refuse_not_finite(selected, path)
    return selected, container
