"""A request to `landscape sharpness`, and its comparison with a file's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from landscape_cli.config.checks import refuse_quantized
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.sharpness import MEASURES, measure_class
from landscape_cli.evaluation.sharpness.base import Settings
from landscape_cli.records.checkpoint_path import identity
from landscape_cli.records.sharpness import Key
from landscape_cli.run.curvature import request as curvature


@dataclass(frozen=True)
class Request:
    """Measures of sharpness, and what they are computed on.

    Args:
        keys: each measure with each of its radii.
        settings: steps, draws and seed.
        split: the split whose mean loss is measured.
        samples: number of its samples; all if None.
        quantity: the objective's value; the first one if None.
    """

    keys: tuple[Key, ...]
    settings: Settings = field(default_factory=Settings)
    split: str = "train"
    samples: int | None = None
    quantity: str | None = None

    def compared(self) -> dict[str, Any]:
        """Return what all entries of a file have in common, as plain values."""
        common = {"split": self.split, "samples": self.samples, "quantity": self.quantity}
        return {**asdict(self.settings), **common}

    def passes(self, key: Key) -> int:
        """Return how many losses and gradients a measure at a radius takes, at most or about."""
        return measure_class(key[0])().passes(self.settings)


def choose_keys(
    names: tuple[str, ...], radii: tuple[float, ...], boxes: tuple[float, ...]
) -> tuple[Key, ...]:
    """Return each measure with each of its radii.

    Args:
        names: of measures; all if empty.
        radii: in place of the defaults of measures whose radius is called rho.
        boxes: in place of the defaults of those whose radius is called epsilon.

    Raises:
        UsageError: for an unknown measure, or radii that none of the measures has.
    """
    given = {"rho": radii, "epsilon": boxes}
    kinds = {name: measure_class(name) for name in dict.fromkeys(names or MEASURES)}
    symbols = {kind.symbol for kind in kinds.values()}
    for symbol, values in given.items():
        if values and symbol not in symbols:
            raise UsageError(
                f"--{symbol} {values[0]:g}: none of {', '.join(kinds)} has such a radius; leave it "
                "out, or add a --measure that has"
            )
        for value in values:
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"--{symbol}: got {value:g}, expected a positive number")
    return tuple(
        (name, float(radius))
        for name, kind in kinds.items()
        for radius in dict.fromkeys(given[kind.symbol] or kind.radii)
    )


def run_config(config: RunConfig, request: Request) -> RunConfig:
    """Return the configuration of the network, without grid and directions.

    Raises:
        UsageError: if the configuration asks for what has no exact gradients.
    """
    refuse_quantized(config, "sharpness is measured in full precision")
    if config.precision not in ("fp32", "auto"):
        raise UsageError(
            f"precision: got {config.precision!r}, but sharpness needs fp32 (rises of the loss are "
            "smaller than its errors); leave it out, or --set precision=fp32"
        )
    wanted = curvature.Request(split=request.split, samples=request.samples)
    return curvature.run_config(config, wanted, config.checkpoint)


def changes(
    stored: Mapping[str, Any],
    stored_config: Mapping[str, Any],
    request: Request,
    config: RunConfig,
    weights: Mapping[str, str],
) -> list[str]:
    """List the differences between a request and a file's that affect the values.

    Args:
        stored: the file's provenance.
        stored_config: the file's configuration.
        request: what is asked for now.
        config: the configuration now.
        weights: the checkpoint now.
    """
    lines = curvature.request_changes(stored, stored_config, request.compared(), config)
    before = stored.get("weights")
    if identity(before or {}) != identity(weights):
        lines.append(f"checkpoint: {weights.get('path', 'the weights as built')} has changed")
    return lines
