"""Parts of a checkpoint's tensors, read by the ranks that need them: one file per format."""

from __future__ import annotations

import os
from collections.abc import Mapping

import torch
from torch import nn

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints.fitting import fit
from landscape_cli.problems.checkpoints.folder import locate
from landscape_cli.problems.checkpoints.parts.base import PartReader, StoredTensor
from landscape_cli.problems.checkpoints.parts.distributed import DistributedParts
from landscape_cli.problems.checkpoints.parts.safetensors_ import SafetensorsParts
from landscape_cli.records.checkpoint_path import CheckpointPath

READERS: dict[str, type[PartReader]] = {
    "distributed": DistributedParts,
    "safetensors": SafetensorsParts,
}
"""Every format whose tensors can be read in parts."""


def stored_tensors(path: str | os.PathLike[str], model: nn.Module) -> dict[str, StoredTensor]:
    """Find the tensors of a checkpoint that fit a model, without reading them.

    Args:
        path: the checkpoint.
        model: the network, which may be on the meta device.

    Returns:
        The stored tensors by the names of the model's state dict.

    Raises:
        CheckpointError: if the checkpoint can only be read as a whole, or does not fit the model.
    """
    where = CheckpointPath.parse(path)
    located, _ = locate(where.path)
    reader = next((kind() for kind in READERS.values() if kind.recognizes(located)), None)
    if reader is None:
        raise CheckpointError(
            f"checkpoint: {where.path!r} can only be read as a whole, and the model is on the meta "
            "device to be read in parts; save it as safetensors or with "
            "torch.distributed.checkpoint"
        )
    content, known = _without_entries(reader.tensors(located))
    state = fit(content, model, where).state
    names = [name for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)]
    if unknown := [name for name in names if id(state.get(name)) not in known]:
        raise CheckpointError(
            f"checkpoint: {where.path!r} has {some(unknown)} under names that only the model's own "
            "hooks know, so they can't be read in parts; build the model on a real device"
        )
    return {name: known[id(state[name])] for name in names}


def _without_entries(
    tensors: Mapping[str, object],
) -> tuple[dict[str, object], dict[int, StoredTensor]]:
    """Replace stored tensors by ones without entries, in nested sections.

    Returns:
        The content with these, and the stored tensors by their identity.
    """
    content: dict[str, object] = {}
    known: dict[int, StoredTensor] = {}
    for name, value in tensors.items():
        if isinstance(value, Mapping):
            content[name], below = _without_entries(value)
            known |= below
        elif isinstance(value, StoredTensor):
            empty = torch.empty(value.shape, dtype=value.dtype, device="meta")
            content[name], known[id(empty)] = empty, value
    return content, known
