"""Spreads and losses of long runs at lower and lower learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from perceptrons import Perceptrons
from results import Mean
from torch import Tensor

from low_precision import training
from low_precision.clouds import is_weight
from low_precision.rules import RULES
from low_precision.spread import moved, power, spread
from low_precision.training import RATE, SERIES, SERIES_BITS, Run


@dataclass(frozen=True)
class Series:
    """Measures of long runs at each learning rate, each of shape (rates, networks).

    Args:
        rounded: spread of the weights that the network computes with.
        real: spread of BinaryConnect's real weights, or else the same.
        mean: distance of the former from their mean, with their drift.
        moved: fraction of the weights that change at all.
        loss: mean training loss.
    """

    rounded: Tensor
    real: Tensor
    mean: Tensor
    moved: Tensor
    loss: Tensor

    def powers(self, name: str) -> Mean:
        """Return the power of the learning rate with which a value falls."""
        return Mean.of(power(learning_rates(), getattr(self, name)).tolist())


Pair = tuple[str, int]


def learning_rates() -> list[float]:
    return [RATE / factor for factor in SERIES]


def series(folder: Path, pair: Pair, networks: Perceptrons) -> Series:
    columns: dict[str, list[Tensor]] = {}
    mask = is_weight(networks)
    for factor in SERIES:
        found = training.load(folder, Run(*pair, "long", factor))
        weights = found["iterates"][:, :, mask]
        values = {
            "rounded": spread(weights),
            "real": spread(found["real iterates"]),
            "mean": spread(weights, 0),
            "moved": moved(weights),
            "loss": found["losses"].double().mean(1),
        }
        for name, each in values.items():
            columns.setdefault(name, []).append(each)
    return Series(**{name: torch.stack(each) for name, each in columns.items()})


def label(pair: Pair) -> str:
    rule, bits = pair
    return RULES[rule] + (f", {bits} bit{'s' * (bits > 1)}" if bits else "")


def cells(values: Tensor, factor: float = 1, digits: int = 3) -> str:
    return Mean.of((factor * values).tolist()).text(digits)


SPREAD_HEAD = ["weights", *(f"{rate:g}" for rate in learning_rates()), "power of the rate"]


def spread_rows(found: Mapping[Pair, Series]) -> list[list[str]]:
    rows = []
    for pair, each in found.items():
        for name in ("rounded", "real") if pair[0] == "bc" else ("rounded",):
            values = getattr(each, name)
            words = f", {name} weights" if pair[0] == "bc" else ""
            rows.append(
                [label(pair) + words, *(cells(v) for v in values), each.powers(name).text(2)]
            )
    return rows


LOSS_HEAD = ["networks", *(f"loss at {rate:g}" for rate in learning_rates())]
LOSS_HEAD += ["weights that change (%)"]


def loss_rows(found: Mapping[Pair, Series]) -> list[list[str]]:
    return [
        [label(pair), *(cells(v) for v in each.loss), cells(each.moved[-1], 100, 2)]
        for pair, each in found.items()
    ]


def lines(found: Mapping[Pair, Series]) -> dict[str, dict[str, dict[str, list[list[float]]]]]:
    """Return the lines of the figure of spreads and losses, by row and by column."""
    spreads, losses = {}, {}
    for bits in SERIES_BITS:
        pairs: dict[str, Pair] = {
            "no rounding": ("float", 0),
            "stochastic rounding": ("sr", bits),
            "BinaryConnect, rounded": ("bc", bits),
        }
        title = f"{bits} bit{'s' * (bits > 1)}"
        losses[title] = {name: found[pair].loss.tolist() for name, pair in pairs.items()}
        spreads[title] = {
            **{name: found[pair].rounded.tolist() for name, pair in pairs.items()},
            "BinaryConnect, real": found["bc", bits].real.tolist(),
        }
    return {"spread of the weights": spreads, "training loss": losses}
