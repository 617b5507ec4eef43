"""Loading of trained weights into a model, without running any code from the file."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import CheckpointError, some

KEYS = ("state_dict", "model", "model_state_dict")
"""Keys under which training scripts store the state dict in a larger checkpoint."""

PREFIXES = ("module.", "_orig_mod.")
"""Prefixes that DataParallel, DistributedDataParallel and torch.compile add to each name."""


def file_hash(path: str) -> str:
    """SHA-256 of a file, as a hex string.

    Raises:
        CheckpointError: if the file can't be read.
    """
    state = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(1 << 22):
                state.update(block)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise CheckpointError(f"checkpoint: can't read {path!r}: {why}") from None
    return state.hexdigest()


def read_state_dict(path: str) -> dict[str, Tensor]:
    """Read a state dict onto the CPU; see ``read_checkpoint``."""
    return read_checkpoint(path)[0]


def read_checkpoint(path: str) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
    """Read a state dict onto the CPU, and the rest of its checkpoint.

    The file is a ``.safetensors`` file, or holds a state dict, either alone or under
    ``state_dict``, ``model`` or ``model_state_dict``. Wrappers' prefixes are stripped.

    Returns:
        The state dict, and the dict that contains it, empty if the file holds it alone.

    Raises:
        CheckpointError: if the file can't be read, holds objects that would run code, or holds
            no state dict.
    """
    content = _read_safetensors(path) if path.endswith(".safetensors") else _read_pickle(path)
    container: Mapping[str, Any] = {}
    for key in KEYS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            container, content = content, content[key]
            break
    if not isinstance(content, Mapping) or not any(
        isinstance(value, Tensor) for value in content.values()
    ):
        keys = f" with the keys {some(list(content))}" if isinstance(content, Mapping) else ""
        raise CheckpointError(
            f"checkpoint: {path!r} holds no state dict but a {type(content).__name__}{keys}; "
            f"expected a state dict, alone or under {', '.join(KEYS)}"
        )
    return {_strip(str(name)): value for name, value in content.items()}, container


def load_weights(model: nn.Module, path: str) -> None:
    """Load a checkpoint's weights into a model.

    Raises:
        CheckpointError: if the file is not a checkpoint, if its tensors do not match the model's
            (missing, unexpected and wrongly shaped ones are listed), or if one is not finite.
    """
    state = fit_state(read_state_dict(path), model.state_dict(), path)
    refuse_not_finite(state, path)
    model.load_state_dict(state)


def refuse_not_finite(tensors: Mapping[str, Tensor], path: str) -> None:
    """Refuse the weights of a training run that diverged.

    Raises:
        CheckpointError: if a tensor holds a NaN or an infinity; the message names the file and the
            first such tensor.
    """
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(
                f"checkpoint: {path!r} holds numbers that are not finite, in {name}; leave it out"
            )


def fit_state(
    state: Mapping[str, Tensor], like: Mapping[str, Tensor], path: str
) -> dict[str, Tensor]:
    """Match a checkpoint's tensors to a model's and give them the model's names.

    Args:
        state: the state dict that ``read_checkpoint`` returned.
        like: the model's own state dict.
        path: the checkpoint's file, for messages.

    Raises:
        CheckpointError: if the tensors do not match the model's; missing, unexpected and wrongly
            shaped ones are listed.
    """
    wanted = {_strip(name): (name, value) for name, value in like.items()}
    complaints = []
    if missing := [name for name in wanted if name not in state]:
        complaints.append(f"missing {some(missing)}")
    if unexpected := [name for name in state if name not in wanted]:
        complaints.append(f"unexpected {some(unexpected)}")
    shapes = [
        f"{name} {_shape(state[name])} instead of {_shape(value)}"
        for name, (_, value) in wanted.items()
        if name in state and _shape(state[name]) != _shape(value)
    ]
    if shapes:
        complaints.append(f"wrong shapes: {some(shapes)}")
    if complaints:
        raise CheckpointError(
            f"checkpoint: {path!r} does not fit the model: {'; '.join(complaints)}; "
            "check problem_args"
        )
    return {name: state[short] for short, (name, _) in wanted.items()}


def _read_safetensors(path: str) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"checkpoint: {path!r} is not a safetensors file, or is damaged ({_line(error)})"
        ) from None


def _read_pickle(path: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"checkpoint: can't read {path!r}: {error.strerror}") from None
    except Exception as error:
        if "Unsupported global" in str(error) or "Unsupported class" in str(error):
            raise CheckpointError(
                f"checkpoint: {path!r} holds Python objects besides tensors, which could run code "
                f"and are not loaded ({_line(error, 'Unsupported')}); save only the state dict"
            ) from None
        raise CheckpointError(
            f"checkpoint: {path!r} is not a PyTorch checkpoint, or is damaged ({_line(error)})"
        ) from None


def _strip(name: str) -> str:
    while name.startswith(PREFIXES):
        name = name.removeprefix("module.").removeprefix("_orig_mod.")
    return name.replace("._orig_mod.", ".")


def _shape(value: Any) -> tuple[int, ...] | None:
    return tuple(value.shape) if isinstance(value, Tensor) else None


def _line(error: BaseException, start: str = "") -> str:
    """Return the first line of an error's message that contains a word, from that word on."""
    lines = [line.strip() for line in str(error).splitlines() if start in line]
    text = lines[0] if lines else type(error).__name__
    text = text[text.index(start) :]
    return text if len(text) <= 160 else text[:157] + "..."
