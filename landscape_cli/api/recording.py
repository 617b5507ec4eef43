"""Recording of a training run from the user's own loop."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from landscape_cli.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from landscape_cli.store.recordings import Writer

_WRITERS: dict[tuple[int, str], Writer] = {}
"""By process and folder."""


def record(
    model: nn.Module,
    folder: str | os.PathLike[str],
    step: int,
    *,
    lr: float | None = None,
    loss: Any = None,
    epoch: float | None = None,
    dtype: Literal["fp16", "fp32", "fp64"] = "fp32",
    resume: bool = False,
) -> None:
    """Add a network's weights to a recording of its training.

    The folder can be given wherever ``landscape`` takes checkpoints, also while it grows. Once this
    returns, a step outlives the process, however that ends. In distributed training, every rank may
    call this; rank 0 writes.

    Args:
        model: the network, compiled or wrapped for data parallelism, too. Its parameters and the
            buffers of its state dict are recorded, tensors with several names once.
        folder: the recording, a folder of its own, which is created if necessary.
        step: number of training steps that were done; ascending, each once.
        lr: the learning rate that led here.
        loss: the loss that the training saw, a number or a tensor with one.
        epoch: number of epochs that were done, which may have a fraction.
        dtype: floating-point parameters of more bits are rounded to this; buffers never are.
        resume: at a process's first step, remove steps of an earlier process from this one on.
            Without it, they are refused.

    Raises:
        LandscapeError: if steps do not ascend, the folder holds another network, a weight has no
            place in ``dtype``, another process writes to the folder, or it can't be written.

    Example:
        >>> import torch
        >>> import landscape_cli as landscape
        >>> model = torch.nn.Linear(3, 1)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> for step in range(3):
        ...     landscape.record(model, "runs/line", step, lr=0.1)
        ...     optimizer.zero_grad()
        ...     model(torch.ones(1, 3)).square().sum().backward()
        ...     optimizer.step()
    """
    from landscape_cli.problems.checkpoints.formats.tensor_bytes import bytes_of_state
    from landscape_cli.store.recordings import Facts

    facts = Facts(
        _whole(step, "step"),
        _number(epoch, "epoch"),
        _number(lr, "lr"),
        _number(loss, "loss", finite=False),
    )
    if not _writes():
        return
    try:
        layout, data = bytes_of_state(_state(model, dtype))
    except CheckpointError as error:
        raise CheckpointError(f"record: {error}") from None
    _writer(folder, facts.step, resume).add(facts, layout, memoryview(data))


def close(folder: str | os.PathLike[str] | None = None) -> None:
    """End this process's recording in a folder, or all of them, as the end of the process does."""
    for place in [*_WRITERS]:
        if place[0] == os.getpid() and (folder is None or os.path.realpath(folder) == place[1]):
            _WRITERS.pop(place).close()


def _writes() -> bool:
    """Return True on rank 0, and outside of distributed training."""
    from torch import distributed

    ready = distributed.is_available() and distributed.is_initialized()
    return not ready or distributed.get_rank() == 0


def _state(model: nn.Module, dtype: str) -> dict[str, Tensor]:
    """Return the tensors to record under names without wrappers, each memory once."""
    from torch import Tensor, nn
    from torch.nn.parameter import is_lazy

    from landscape_cli.problems.checkpoints.formats.tensor_bytes import spec_of
    from landscape_cli.problems.checkpoints.names import bare

    widest = _widest(dtype)
    state: dict[str, Tensor] = {}
    known: set[tuple[Any, ...]] = set()
    for name, tensor in model.state_dict(keep_vars=True).items():
        if not isinstance(tensor, Tensor) or is_lazy(tensor) or hasattr(tensor, "full_tensor"):
            raise UsageError(_no_tensor(name, tensor))
        own = tensor.detach()
        spec_of(name, own)
        place = (own.data_ptr(), own.shape, own.stride(), own.dtype)
        if own.numel() and place in known:
            continue
        known.add(place)
        parameter = isinstance(tensor, nn.Parameter) and own.is_floating_point()
        if parameter and own.dtype.itemsize > widest.itemsize:
            own = _narrowed(name, own, widest)
        state[bare(name)] = own
    if not state:
        raise UsageError(f"record: {type(model).__name__} has no parameters and no buffers")
    return state


def _widest(dtype: str) -> Any:
    import torch

    known = {"fp16": torch.float16, "fp32": torch.float32, "fp64": torch.float64}
    if dtype not in known:
        raise UsageError(f"record: dtype: got {dtype!r}, expected one of {', '.join(known)}")
    return known[dtype]


def _narrowed(name: str, tensor: Tensor, dtype: Any) -> Tensor:
    """Round a tensor to a dtype, and refuse numbers beyond its range."""
    import torch

    rounded = tensor.to(dtype)
    if bool((torch.isinf(rounded) & ~torch.isinf(tensor)).any()):
        largest = float(tensor.abs()[torch.isfinite(tensor)].max())
        raise UsageError(
            f"record: {name} holds {largest:g}, beyond the largest {torch.finfo(dtype).max:g} of "
            "dtype; give dtype a wider one, such as fp32"
        )
    return rounded


def _no_tensor(name: str, value: Any) -> str:
    if hasattr(value, "full_tensor"):
        return (
            f"record: {name} is divided among ranks, as by FSDP; load its full state dict into a "
            "model of one rank, and record that"
        )
    kind = type(value).__name__
    return f"record: {name} is a {kind}; only tensors that are initialized can be recorded"


def _writer(folder: str | os.PathLike[str], step: int, resume: bool) -> Writer:
    """Return the folder's writer in this process."""
    import atexit

    from landscape_cli.store.recordings import Writer

    path = os.path.realpath(folder)
    place = (os.getpid(), path)
    writer = _WRITERS.get(place)
    if writer is None or not writer.alive:
        if writer is not None:
            _WRITERS.pop(place).close()
        _refuse_other(path, os.fspath(folder))
        writer = Writer(Path(folder).absolute(), step, resume)
        if not _WRITERS:
            atexit.register(close)
        _WRITERS[place] = writer
    return writer


def _refuse_other(path: str, given: str) -> None:
    """Refuse a folder that is another checkpoint, or in which a recording would not be found."""
    from landscape_cli.problems.checkpoints.folder import weights_files
    from landscape_cli.problems.checkpoints.formats.distributed import METADATA

    others = [*weights_files(path), METADATA]
    found = next((name for name in others if os.path.exists(os.path.join(path, name))), None)
    if found is not None:
        raise UsageError(f"record: {given!r} holds {found} already; name a folder of its own")


def _whole(value: Any, name: str) -> int:
    import operator

    from landscape_cli.store.recordings.facts import LARGEST

    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number <= LARGEST or isinstance(value, bool):
        raise UsageError(f"record: {name}: got {value!r}, expected a whole number from 0"[:200])
    return number


def _number(value: Any, name: str, finite: bool = True) -> float | None:
    if value is None:
        return None
    try:
        number = float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        number = math.nan
        finite = True
    if finite and not (math.isfinite(number) and (number >= 0 or name == "loss")):
        raise UsageError(f"record: {name}: got {value!r}, expected a number"[:200])
    return number
