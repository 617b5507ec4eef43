"""Assignment of the tensors in a directions file to those of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.util.tensors import as_real, movable, wide_dtype

Entries = Sequence[tuple[str | None, Tensor]]


def match(
    entries: Entries, parameters: Mapping[str, Tensor], states: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Map the tensors of a directions file to a network's names.

    Tensors are matched by name if they have names, otherwise by position. Li et al.'s
    `loss-landscape` writes unnamed tensors: one per parameter with ``--dir_type weights``, one per
    entry of the state dict with ``--dir_type states`` (without integer entries if written before
    PyTorch 0.4.1, whose batch norm did not count batches).

    Args:
        entries: pairs of name, or None, and CPU tensor, in the file's order.
        parameters: the network's parameters by name, in its order.
        states: the network's state dict.

    Returns:
        The tensors of all parameters, and of the floating-point buffers if the file has them, in
        the network's dtypes or in float32 if that is wider, complex ones as real ones (see
        ``as_real``); integer tensors are left out.

    Raises:
        UsageError: if the file was made for another network, or contains NaN or infinity.
    """
    names = [name for name, _ in entries]
    wanted = {**states, **parameters}
    if names and None not in names:
        targets = [str(name) for name in names]
        _check_names(targets, parameters, wanted)
    else:
        targets = _names_by_position(len(entries), parameters, states)
    pointers = _parameter_pointers(parameters)
    matched = {}
    for number, (target, (_, tensor)) in enumerate(zip(targets, entries, strict=True), start=1):
        like = wanted[target]
        real = as_real(tensor) if like.is_complex() else tensor
        like = as_real(like.detach())
        _check_tensor(f"tensor {number} of {len(entries)} ({target})", real, like)
        if like.is_floating_point() and (target in parameters or like.data_ptr() not in pointers):
            matched[target] = real.to(wide_dtype(like))
    return matched


def _names_by_position(
    count: int, parameters: Mapping[str, Tensor], states: Mapping[str, Tensor]
) -> list[str]:
    """Return the network's names for a number of unnamed tensors."""
    floating = [name for name, tensor in states.items() if movable(tensor)]
    for names in (list(parameters), list(states), floating):
        if count == len(names):
            return names
    raise UsageError(
        f"made for another network: it has {count} tensors, but this network has "
        f"{len(parameters)} parameters and {len(states)} entries in its state dict"
    )


def _check_names(
    names: Sequence[str], parameters: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> None:
    unknown = [name for name in names if name not in wanted]
    missing = [name for name in parameters if name not in names]
    if unknown or missing:
        complaints = [
            f"{problem}: {len(examples)}, such as {examples[0]}"
            for problem, examples in (("unknown tensors", unknown), ("missing parameters", missing))
            if examples
        ]
        raise UsageError(f"made for another network ({'; '.join(complaints)})")


def _check_tensor(description: str, tensor: Tensor, like: Tensor) -> None:
    got, expected = tuple(tensor.shape), tuple(like.shape)
    if got != expected:
        raise UsageError(
            f"made for another network: {description} has shape {got}, the network's {expected}"
        )
    if not bool(tensor.isfinite().all()):
        raise UsageError(f"{description} contains NaN or infinity; directions must be finite")


def _parameter_pointers(parameters: Mapping[str, Tensor]) -> set[int]:
    """Return the parameters' addresses: a state dict repeats shared ones under other names."""
    return {tensor.data_ptr() for tensor in parameters.values() if tensor.numel()}
