"""The momentum in a training checkpoint, by the names of the network's parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from landscape_cli.errors import CheckpointError
from landscape_cli.problems.checkpoints.folder import locate
from landscape_cli.problems.checkpoints.formats import format_of
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.util.tensors import as_real

BUFFERS = ("momentum_buffer", "exp_avg")
"""Names of averages of gradients: of SGD, and of Adam and its relatives."""

DEEPEST = 2
"""Number of keys and indices that may lead to an optimizer's state dict."""


def read_momentum(path: CheckpointPath, model: nn.Module) -> dict[str, Tensor]:
    """Read the momentum of an optimizer from a checkpoint that has its state dict.

    PyTorch numbers parameters in the order in which the optimizer got them. They are taken to be
    the model's, all or those that require gradients, in its own order, unless the groups name them.

    Args:
        path: the checkpoint.
        model: the network.

    Returns:
        float64 tensors on the CPU by parameter name; those without a buffer are missing.

    Raises:
        CheckpointError: if the file has no optimizer's state, several, none with momentum, or it
            can't be told which buffer belongs to which parameter.
    """
    located, _ = locate(path.path)
    found = list(_states(format_of(located).read(located), DEEPEST))
    if len(found) != 1:
        what = f"{len(found)} optimizers' states" if found else "no optimizer's state"
        raise CheckpointError(
            f"checkpoint: {str(path)!r} has {what}, but momentum needs one; save "
            "optimizer.state_dict() beside the weights, as 'optimizer'"
        )
    state = found[0]["state"]
    names = _names(found[0]["param_groups"], model, str(path))
    buffers: dict[str, Tensor] = {}
    for number, name in names.items():
        own = state.get(number) or {}
        buffer = next((own[one] for one in BUFFERS if isinstance(own.get(one), Tensor)), None)
        if buffer is not None:
            buffers[name] = as_real(buffer.detach()).cpu().double()
    if not buffers:
        raise CheckpointError(
            f"checkpoint: the optimizer in {str(path)!r} keeps no {' or '.join(BUFFERS)}; was it "
            "saved before its first step, or without momentum?"
        )
    parameters = dict(model.named_parameters())
    for name, buffer in buffers.items():
        if buffer.shape != as_real(parameters[name].detach()).shape:
            raise _unmatched(str(path), f"{name} has another shape")
    return buffers


def _states(content: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield every optimizer's state dict in a file's content."""
    if isinstance(content, Mapping):
        if isinstance(content.get("state"), Mapping) and isinstance(
            content.get("param_groups"), Sequence
        ):
            yield content
            return
        parts: Sequence[Any] = list(content.values())
    elif isinstance(content, (list, tuple)):
        parts = content
    else:
        return
    for part in parts if depth else ():
        yield from _states(part, depth - 1)


def _names(groups: Sequence[Any], model: nn.Module, path: str) -> dict[Any, str]:
    """Return the parameter's name for each of the optimizer's numbers."""
    try:
        numbers = [number for group in groups for number in group["params"]]
        named = [name for group in groups for name in group.get("param_names") or ()]
    except (KeyError, TypeError, AttributeError):
        raise _unmatched(path, "its groups are not as PyTorch writes them") from None
    own = dict(model.named_parameters())
    if named:
        if len(named) != len(numbers) or not set(named) <= set(own):
            raise _unmatched(path, "its groups name other parameters")
        return dict(zip(numbers, named, strict=True))
    if len(groups) > 1:
        raise _unmatched(path, f"it has {len(groups)} groups of parameters without names")
    for names in (list(own), [name for name, one in own.items() if one.requires_grad]):
        if len(names) == len(numbers):
            return dict(zip(numbers, names, strict=True))
    raise _unmatched(path, f"it has {len(numbers)} parameters, the network {len(own)}")


def _unmatched(path: str, why: str) -> CheckpointError:
    return CheckpointError(
        f"checkpoint: the optimizer's state in {path!r} does not tell which buffer belongs to "
        f"which parameter: {why}; give the optimizer model.named_parameters(), or name the network "
        "that was trained"
    )
