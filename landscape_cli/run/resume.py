"""Where a run starts from: checked, and decided, before anything heavy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.config.comparison import differences
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.geometry.directions import direction_from
from landscape_cli.geometry.slices.repeated import recipes_of
from landscape_cli.problems.checkpoint_files import expand
from landscape_cli.problems.checkpoints import file_hash
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.store import check_writable, own_points, read_surface


@dataclass(frozen=True)
class Start:
    """What rank 0 found.

    Args:
        config: the configuration with every default of its directions filled in.
        fresh: whether everything is to be computed; otherwise the file is continued.
        complete: whether the file is already complete, no point has failed, and nothing is to be
            done.
        settings: the file's settings of the forward pass, or None for a file to be begun.
        checkpoint: the checkpoint's path and SHA-256, or None without one.
        sampling: the samples that the file was begun with, if they were chosen for it.
    """

    config: RunConfig
    fresh: bool
    complete: bool
    settings: dict[str, Any] | None
    checkpoint: dict[str, Any] | None
    sampling: dict[str, Any] | None = None


def decide(
    config: RunConfig, overwrite: bool, resume: bool, lock: Callable[[], None] = lambda: None
) -> Start:
    """Check what can be checked without the model, and look at the file that is there.

    Args:
        config: what to compute.
        overwrite: compute everything anew, whatever the file holds.
        resume: insist that there is a file to continue.
        lock: is called before that file is looked at, to keep other runs from changing it.

    Raises:
        UsageError: for settings of directions that make no sense, or options that exclude each
            other.
        CheckpointError: if the checkpoint can't be read.
        StoreError: if the output can't be written, or holds something else that would be lost.
    """
    if overwrite and resume:
        raise UsageError("--overwrite and --resume exclude each other; choose one")
    config = resolve(config)
    output = config.file
    check_writable(output)
    checkpoint = None
    if config.checkpoint is not None:
        if output == Path(config.checkpoint).absolute():
            raise UsageError(f"output: {config.output!r} is the checkpoint; name another file")
        checkpoint = {"path": config.checkpoint, "sha256": file_hash(config.checkpoint)}
    if resume and not output.exists():
        raise StoreError(f"--resume: there is no {output} to continue; leave --resume out to begin")
    lock()
    if overwrite or not output.exists():
        return Start(config, True, False, None, checkpoint)
    stored = read_surface(output)
    if config.auto:
        axes = stored.grid.axes.items()
        config = config.with_ranges({name: (axis.low, axis.high) for name, axis in axes})
    refuse_other(output, _changes(config, checkpoint, stored))
    config = config.model_copy(update={"splits": stored.config.get("splits")})
    settings = stored.provenance.get("settings")
    sampling = stored.provenance.get("sampling")
    own = stored.status[own_points(stored.grid, config.part)]
    complete = not np.isin(own, (Status.TODO, Status.FAILED)).any()
    return Start(config, False, complete, settings, checkpoint, sampling)


def resolve(config: RunConfig) -> RunConfig:
    """Fill in the defaults of each direction, refusing what its kind does not know.

    A shard is not calibrated: all shards, and the whole done so, are to have the same bits.
    """
    recipes = {
        axis: direction_from(section, f"directions.{axis}")
        for axis, section in config.directions.items()
    }
    recipes_of(recipes, config.repeats)
    directions = {
        axis: recipe.model_dump(mode="json", exclude_none=True) for axis, recipe in recipes.items()
    }
    calibrate = config.calibrate and config.part is None
    update: dict[str, Any] = {"directions": directions, "calibrate": calibrate}
    if config.checkpoints is not None:
        update["checkpoints"] = expand(config.checkpoints)
    resolved = config.model_copy(update=update)
    resolved.as_yaml()
    return resolved


def refuse_other(output: Path, changes: list[str]) -> None:
    """Refuse to continue a file that was made with something else.

    Raises:
        StoreError: listing what differs, if anything does.
    """
    if changes:
        raise StoreError(
            f"{output} was made with another configuration ({'; '.join(changes)}); choose another "
            "--output, or --overwrite to compute it anew"
        )


def _changes(config: RunConfig, checkpoint: dict[str, Any] | None, stored: Surface) -> list[str]:
    if imported := stored.provenance.get("imported"):
        return [f"imported from {imported.get('path')}"]
    lines = differences(stored.config, config)
    part = Shard.of_file(stored.provenance)
    if config.part not in (None, part):
        lines.append(f"shard: {part or 'the whole grid'} in the file, {config.part} now")
    before, after = stored.provenance.get("checkpoint") or {}, checkpoint or {}
    if before.get("sha256") != after.get("sha256"):
        content = ", with another content" if before.get("path") == after.get("path") else ""
        lines.append(
            f"checkpoint: {before.get('path')} in the file, {after.get('path')} now{content}"
        )
    micro_batch = stored.provenance.get("settings", {}).get("micro_batch")
    if config.batch_size not in (None, micro_batch):
        lines.append(f"batch_size: {micro_batch} in the file, {config.batch_size} now")
    return lines
