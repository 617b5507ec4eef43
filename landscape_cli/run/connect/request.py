"""A request to `landscape connect`, and its comparison with a file's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from landscape_cli.config.checks import refuse_quantized
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.records.curves import CURVES
from landscape_cli.run.curvature import request as curvature

VALUE_KEYS = ("problem", "problem_args")
"""Keys of the configuration that decide the values, besides the request and the checkpoints."""


@dataclass(frozen=True)
class Request:
    """A curve to train.

    Args:
        shape: a name in ``CURVES``.
        bends: number of points between the ends; 0 for the straight line.
        epochs: passes over the split.
        rate: the first learning rate.
        momentum: of SGD.
        weight_decay: factor of phi(t) that is added to the gradient there.
        batch_size: samples in a batch of a dataset; chosen if None.
        seed: of places on the curve, the order of samples, and what else is random.
        split: the split that is trained on.
        quantity: the objective's value that is minimized; the first one if None.
    """

    shape: str = "bezier"
    bends: int = 1
    epochs: int = 30
    rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 0.0
    batch_size: int | None = None
    seed: int = 0
    split: str = "train"
    quantity: str | None = None

    def __post_init__(self) -> None:
        if self.shape not in CURVES:
            raise UsageError(f"--curve: got {self.shape!r}, expected one of {', '.join(CURVES)}")
        for name, value in (("--lr", self.rate), ("--weight-decay", self.weight_decay)):
            if not math.isfinite(value):
                raise UsageError(f"{name}: got {value}, expected a finite number")

    @property
    def points(self) -> int:
        """K, the number of points with both ends."""
        return self.bends + 2

    def as_mapping(self) -> dict[str, Any]:
        """Return the request as plain values, for a file."""
        return asdict(self)


def run_config(config: RunConfig, request: Request, checkpoint: CheckpointPath) -> RunConfig:
    """Return the configuration of the network at the curve's beginning.

    Raises:
        UsageError: if the configuration asks for what training does not do.
    """
    refuse_quantized(config, "curves are trained in full precision")
    plain = config.model_copy(update={"precision": "fp32", "batch_norm": "frozen"})
    wanted = curvature.Request(split=request.split)
    return curvature.run_config(plain, wanted, checkpoint)


def changes(
    stored: Mapping[str, Any],
    stored_config: Mapping[str, Any],
    request: Request,
    config: RunConfig,
    weights: Sequence[Mapping[str, str]],
) -> list[str]:
    """List the differences between a request and a stored file that affect the curve.

    Args:
        stored: the file's provenance.
        stored_config: the file's configuration.
        request: what is asked for now.
        config: the configuration now.
        weights: facts about both ends now.
    """
    now = request.as_mapping()
    lines = curvature.request_changes(stored, stored_config, now, config, VALUE_KEYS)
    before = [identity(one) for one in stored.get("weights") or []]
    for name, old, new in zip(("from", "to"), before, map(identity, weights), strict=False):
        if old != new:
            lines.append(f"--{name}: another checkpoint than in the file")
    return lines
