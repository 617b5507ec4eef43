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
        plain: the values without weights, float64, shape (names, n); None if there are none.
        pairs: sums and weights of the others, float64, shape (2, names, n); None if there are none.
    """

    names: tuple[str, ...]
    weighted: tuple[str, ...]
    plain: Tensor | None
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
    where = f"objective: on split {split!r} it returned"
    if not isinstance(values, Mapping) or not values:
        raise ProblemError(
            f"{where} a {type(values).__name__}, expected {{name: Tensor[n]}} with a value for "
            "each of the batch's n samples"
        )
    expected = batch_length(batch)
    for name, value in values.items():
        if not isinstance(name, str) or not name or "/" in name:
            raise ProblemError(f"{where} the name {name!r}; use a word without '/'")
        parts = {SUMS: value[0], WEIGHTS: value[1]} if is_pair(value) else {"": value}
        for part, one in parts.items():
            _check(f"{where} {part}{name!r} as", one, expected)
            expected = one.shape[0]
    weighted = tuple(name for name, value in values.items() if is_pair(value))
    plain = [value for name, value in values.items() if name not in weighted]
    sums, weights = ([values[name][part] for name in weighted] for part in (0, 1))
    return BatchValues(
        names=tuple(values),
        weighted=weighted,
        plain=_stacked(plain) if plain else None,
        pairs=torch.stack([_stacked(sums), _stacked(weights)]) if weighted else None,
    )


def _stacked(values: list[Tensor]) -> Tensor:
    device = values[0].device
    return torch.stack([wide(value.detach().to(device)) for value in values])


def _check(where: str, value: Any, expected: int | None) -> None:
    if not isinstance(value, Tensor):
        raise ProblemError(f"{where} a {type(value).__name__}, expected a tensor of shape (n,)")
    if value.is_complex():
        raise ProblemError(f"{where} complex numbers; take their real parts, or .abs()")
    if value.dim() == 0:
        raise ProblemError(
            f"{where} a scalar, expected one value for each of the batch's n samples: do not "
            "average, use reduction='none', or return a pair (sums, weights) of such tensors"
        )
    if value.dim() != 1 or (expected is not None and value.shape[0] != expected):
        length = "n" if expected is None else expected
        raise ProblemError(
            f"{where} a tensor of shape {tuple(value.shape)}, expected ({length},): one value for "
            "each of the batch's samples"
        )
