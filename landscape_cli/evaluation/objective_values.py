"""The values that an objective returned for a batch, checked and in float64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.batches import batch_length
from landscape_cli.util.accelerators import wide

SUMS, WEIGHTS = "the sums of ", "the weights of "


@dataclass(frozen=True)
class BatchValues:
    """The values of a batch's n samples.

    Args:
        names: the names of all values, in the objective's order.
        weighted: the names of those that are pairs (sums, weights).
        samples: the number n.
        plain: the values without weights, each of shape (n,), as the objective returned them.
        pairs: sums and weights of the others, float64, shape (2, names, n); None if there are none.
    """

    names: tuple[str, ...]
    weighted: tuple[str, ...]
    samples: int
    plain: list[Tensor]
    pairs: Tensor | None


def is_pair(value: Any) -> bool:
    """Tell whether an objective's value is a pair (sums, weights)."""
    return isinstance(value, tuple | list) and len(value) == 2


def checked_values(split: str, values: Any, batch: Any) -> BatchValues:
    """Check what an objective returned for a batch.

    Args:
        split: the split's name, for messages.
        values: the objective's result.
        batch: the batch, whose length the values must have.

    Raises:
        ProblemError: if it is not ``{name: Tensor[n]}``, with a pair (sums, weights) of tensors in
            place of any tensor.
    """
    if not isinstance(values, Mapping) or not values:
        raise ProblemError(
            f"{_where(split)} a {type(values).__name__}, expected {{name: Tensor[n]}} with a value "
            "for each of the batch's n samples"
        )
    expected = batch_length(batch)
    weighted: list[str] = []
    plain: list[Tensor] = []
    for name, value in values.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise ProblemError(f"{_where(split)} the name {name!r}; use a word without '/'")
        if is_pair(value):
            _check(split, f"{SUMS}{name!r}", value[0], expected)
            _check(split, f"{WEIGHTS}{name!r}", value[1], value[0].shape[0])
            expected = value[1].shape[0]
            weighted.append(name)
        else:
            _check(split, f"{name!r}", value, expected)
            expected = value.shape[0]
            plain.append(value)
    assert expected is not None
    sums, weights = ([values[name][part] for name in weighted] for part in (0, 1))
    pairs = torch.stack([_stacked(sums), _stacked(weights)]) if weighted else None
    return BatchValues(tuple(values), tuple(weighted), expected, plain, pairs)


def _where(split: str) -> str:
    return f"objective: on split {split!r} it returned"


def _stacked(values: list[Tensor]) -> Tensor:
    device = values[0].device
    return torch.stack([wide(value.detach().to(device)) for value in values])


def _check(split: str, name: str, value: Any, expected: int | None) -> None:
    """Refuse anything but one real number for each sample."""
    tensor = isinstance(value, Tensor)
    fits = tensor and value.dim() == 1 and expected in (None, value.shape[0])
    if fits and not value.is_complex():
        return
    where = f"{_where(split)} {name} as"
    if not tensor:
        raise ProblemError(f"{where} a {type(value).__name__}, expected a tensor of shape (n,)")
    if value.is_complex():
        raise ProblemError(f"{where} complex numbers; take their real parts, or .abs()")
    if value.dim() == 0:
        raise ProblemError(
            f"{where} a scalar, expected one value for each of the batch's n samples: do not "
            "average, use reduction='none', or return a pair (sums, weights) of such tensors"
        )
    length = "n" if expected is None else expected
    raise ProblemError(
        f"{where} a tensor of shape {tuple(value.shape)}, expected ({length},): one value for "
        "each of the batch's samples"
    )
