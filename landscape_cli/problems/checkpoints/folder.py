"""Folders of trainers: which of their files holds the weights."""

from __future__ import annotations

import os

from landscape_cli.errors import CheckpointError, some
from landscape_cli.problems.checkpoints.formats.distributed import DistributedFolder
from landscape_cli.problems.checkpoints.formats.recording import RecordingFolder

NAMES = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
    *("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors.index.json"),
    *("diffusion_pytorch_model.bin", "adapter_model.safetensors", "adapter_model.bin"),
    *("pytorch_model_fsdp_0", "pytorch_model_fsdp.bin", "mp_rank_00_model_states.pt"),
)
"""Weights in folders of transformers, accelerate, diffusers, peft and DeepSpeed, the first that is
there first, as in transformers' ``from_pretrained``."""

ADAPTERS = ("adapter_model.safetensors", "adapter_model.bin")
"""Files of peft, which hold only the weights of an adapter."""

WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".tar")
"""Endings of files that may hold weights, for messages."""

OTHER_STATE = ("optimizer", "scheduler", "scaler", "random_states", "training_args", "rng_state")
"""Beginnings of the names of files that hold other state of a trainer."""


def weights_files(folder: str) -> list[str]:
    """Return the names of a folder's files that hold weights, the one to read first."""
    return [name for name in NAMES if os.path.exists(os.path.join(folder, name))]


def is_checkpoint(path: str) -> bool:
    """Return True for a file, or a folder that is a checkpoint as a whole."""
    if os.path.isdir(path):
        return is_whole(path) or bool(weights_files(path))
    return os.path.isfile(path)


def is_whole(folder: str) -> bool:
    """Return True for a folder that is read as such, not for one of its files."""
    return DistributedFolder.recognizes(folder) or RecordingFolder.recognizes(folder)


def locate(path: str) -> tuple[str, list[str]]:
    """Return the file, or the folder that is read as a whole, that holds the weights.

    Args:
        path: a file, or a trainer's folder.

    Returns:
        Its path, and the names of other files in the folder that hold weights too.

    Raises:
        CheckpointError: for a folder without weights under a known name.
    """
    if not os.path.isdir(path) or is_whole(path):
        return path, []
    known = weights_files(path)
    if not known:
        raise CheckpointError(_nothing_known(path))
    first = os.path.join(path, known[0])
    more = [name for name in _candidates(path) if name[0] == "m" and name.startswith("model_")]
    return locate(first)[0], [*known[1:], *more]


def is_adapter(path: str) -> bool:
    """Return True for a file of peft, whose tensors are only a part of the model's."""
    return os.path.basename(path) in ADAPTERS


def _candidates(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise CheckpointError(f"checkpoint: can't read {folder!r}: {error.strerror}") from None
    return [name for name in names if name.endswith(WEIGHTS) and not name.startswith(OTHER_STATE)]


def _nothing_known(folder: str) -> str:
    files = _candidates(folder)
    found = f"it has {some(files)}; name one of them" if files else "name the file with the weights"
    return (
        f"checkpoint: can't read {folder!r}: it is a folder without {NAMES[0]}, {NAMES[2]} or "
        f"another known name of weights; {found}"
    )
