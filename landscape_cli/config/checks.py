"""Checks of a configuration beyond the type of each value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landscape_cli.config.defaults import has_directions
from landscape_cli.errors import UsageError
from landscape_cli.records.grid import Grid
from landscape_cli.records.shards import Shard

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig


def check_config(config: RunConfig) -> None:
    """Refuse values that are valid on their own but not together.

    Raises:
        ValueError: naming the keys, the values and the remedy.
    """
    _check_batch_norm(config)
    _check_axes(config)
    _check_splits(config)
    _check_repeats(config)
    _check_samples(config)
    _check_shard(config)
    _check_quantize(config)


def refuse_quantized(config: RunConfig, what: str) -> None:
    """Refuse rounded weights in a command that would leave them as they are.

    Args:
        config: the run.
        what: the command does with the network.

    Raises:
        UsageError: if the configuration asks for rounded weights.
    """
    if config.quantize is not None:
        raise UsageError(
            f"quantize: {config.quantize.words()} are for surfaces alone (landscape compute), but "
            f"{what}; leave it out, or --set quantize=none"
        )


def _check_batch_norm(config: RunConfig) -> None:
    if config.batch_norm != "recalibrate" and config.batch_norm_samples is not None:
        raise ValueError(
            f"batch_norm_samples: {config.batch_norm_samples} applies only with batch_norm: "
            f"recalibrate, not with {config.batch_norm}; drop one of the two"
        )
    if config.batch_norm == "recalibrate" and config.compile == "on":
        raise ValueError(
            "compile: on excludes batch_norm: recalibrate, which switches batch norm's mode at "
            "each point; drop one of the two"
        )


def _check_axes(config: RunConfig) -> None:
    try:
        names = Grid(config.grid, config.repeats).names
    except UsageError as error:
        raise ValueError(str(error)) from None
    for axis in names if has_directions({"slice": config.slice}) else ():
        if axis not in config.directions:
            raise ValueError(f"grid.{axis} has no direction: add directions.{axis}, or drop it")
    for axis in config.directions:
        if axis not in names:
            raise ValueError(f"directions.{axis} has no range: add grid.{axis}, or drop it")


def _check_splits(config: RunConfig) -> None:
    splits = config.splits
    if splits is not None and (not splits or len(set(splits)) < len(splits)):
        raise ValueError(f"splits: expected distinct names, at least one; got {splits}")


def _check_repeats(config: RunConfig) -> None:
    if config.repeats > 1 and config.adaptive is not None:
        raise ValueError(
            f"repeats: {config.repeats} excludes adaptive, since repeats are computed at all "
            "points; drop one of the two"
        )


def _check_samples(config: RunConfig) -> None:
    if config.samples is not None and config.target_stderr is not None:
        raise ValueError(
            f"target_stderr: {config.target_stderr:g} chooses the number of samples, which "
            f"excludes samples: {config.samples}; drop one of the two"
        )
    if config.sampling is not None and config.target_stderr is not None:
        raise ValueError(
            f"target_stderr: {config.target_stderr:g} chooses the same samples for all points, "
            f"which excludes sampling: {config.sampling:g}; drop one of the two"
        )


def _check_shard(config: RunConfig) -> None:
    if config.shard is None:
        return
    try:
        shard, total = Shard.parse(config.shard), Grid(config.grid, config.repeats).total
    except UsageError as error:
        raise ValueError(f"shard: {error}") from None
    for key in ("adaptive", "sampling"):
        if getattr(config, key) is not None:
            raise ValueError(
                f"shard: {shard} is computed without the other shards' values, which {key} "
                "needs; drop one of the two"
            )
    if shard.of > total:
        raise ValueError(f"shard: {shard} of a grid of {total} points; make it {total} or less")


def _check_quantize(config: RunConfig) -> None:
    if config.quantize is None:
        return
    kinds = config.curvature.measures if config.curvature else list(config.measures)
    if kinds:
        key = "curvature" if config.curvature else "measures"
        raise ValueError(
            f"{key}: {', '.join(kinds)} of a loss of {config.quantize.words()} would be zero or "
            f"undefined, as it is constant between jumps; drop {key} or quantize"
        )
