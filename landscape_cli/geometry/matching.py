"""Which tensor of a network each tensor of a directions file belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from landscape_cli.errors import UsageError

Entries = Sequence[tuple[str | None, Tensor]]


def match(
    entries: Entries, parameters: Mapping[str, Tensor], states: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Give the tensors of a directions file the names of the network's.

    They go by their own names if they have some, else by position: as many as there are parameters
    are those of Li et al.'s `loss-landscape` with ``--dir_type weights``, as many as the state dict
    has entries are those with ``--dir_type states`` (or that without its whole numbers, as before
    PyTorch 0.4.1, which did not count batches yet).

    Args:
        entries: name, or None, and tensor, in the file's order, on the CPU.
        parameters: the network's parameters by name, in its order.
        states: its state dict.

    Returns:
        The tensors of all parameters, and of the floating-point buffers if the file has these, in
        the dtypes of the network's; whole numbers are left out.

    Raises:
        UsageError: if the file is one for another network, or holds a NaN or an infinity.
    """
    names = [name for name, _ in entries]
    wanted = {**states, **parameters}
    if names and None not in names:
        places = [str(name) for name in names]
        _check_names(places, parameters, wanted)
    else:
        places = _by_position(len(entries), parameters, states)
    shared = _shared(parameters)
    found = {}
    for number, (place, (_, tensor)) in enumerate(zip(places, entries, strict=True), start=1):
        like = wanted[place]
        _check(f"tensor {number} of {len(entries)} ({place})", tensor, like)
        if like.is_floating_point() and (place in parameters or like.data_ptr() not in shared):
            found[place] = tensor.to(like.dtype)
    return found


def _by_position(
    count: int, parameters: Mapping[str, Tensor], states: Mapping[str, Tensor]
) -> list[str]:
    """The names that tensors without any go by."""
    floating = [name for name, tensor in states.items() if tensor.is_floating_point()]
    for names in (list(parameters), list(states), floating):
        if count == len(names):
            return names
    raise UsageError(
        f"{count} tensors are a direction for another network: this one has {len(parameters)} "
        f"parameters, and {len(states)} entries in its state dict"
    )


def _check_names(
    names: Sequence[str], parameters: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> None:
    unknown = [name for name in names if name not in wanted]
    missing = [name for name in parameters if name not in names]
    if unknown or missing:
        complaints = [
            f"{where} {len(found)}, such as {found[0]}"
            for where, found in (
                ("of its tensors the network lacks", unknown),
                ("of the network's parameters it lacks", missing),
            )
            if found
        ]
        raise UsageError(
            f"{len(names)} tensors are a direction for another network: {'; '.join(complaints)}"
        )


def _check(place: str, tensor: Tensor, like: Tensor) -> None:
    got, expected = tuple(tensor.shape), tuple(like.shape)
    if got != expected:
        raise UsageError(
            f"a direction for another network: {place} has shape {got}, the network's {expected}"
        )
    if not bool(tensor.isfinite().all()):
        raise UsageError(f"{place} holds a NaN or an infinity; directions must be finite")


def _shared(parameters: Mapping[str, Tensor]) -> set[int]:
    """Where parameters lie in memory: a state dict has shared ones again, under other names."""
    return {tensor.data_ptr() for tensor in parameters.values() if tensor.numel()}
