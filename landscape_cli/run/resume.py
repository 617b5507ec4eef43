"""The start of a run, fresh or continued: checked before anything heavy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.config.comparison import differences
from landscape_cli.config.defaults import DEFAULT_SLICE
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import StoreError, UsageError
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.evaluation.measures import measures_from
from landscape_cli.geometry.directions import directions_from
from landscape_cli.geometry.slices import slice_from
from landscape_cli.problems.checkpoint_files import expand
from landscape_cli.problems.checkpoints import file_hash
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.run.setup.sample_choice import Sampling
from landscape_cli.store import check_writable, own_points, read_surface


@dataclass(frozen=True)
class CheckpointFacts:
    """A checkpoint's file.

    Args:
        path: as the user wrote it.
        sha256: of its content.
    """

    path: str
    sha256: str


@dataclass(frozen=True)
class Start:
    """The configuration of a run, and the state of its file, as rank 0 found it.

    Args:
        config: with every default of its slice and directions filled in.
        fresh: True if everything is computed; otherwise the file is continued.
        complete: True if the file is complete, no point has failed, and nothing is left to do.
        settings: the file's settings of the forward pass; None for a new file.
        checkpoint: the trained weights' file; None without one.
        sampling: the file's choice of samples, if there was one.
    """

    config: RunConfig
    fresh: bool = True
    complete: bool = False
    settings: Settings | None = None
    checkpoint: CheckpointFacts | None = None
    sampling: Sampling | None = None


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
        checkpoint = CheckpointFacts(config.checkpoint, file_hash(config.checkpoint))
    if resume and not output.exists():
        raise StoreError(f"--resume: there is no {output} to continue; leave --resume out to begin")
    lock()
    if overwrite or not output.exists():
        return Start(config, checkpoint=checkpoint)
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
    return Start(
        config,
        fresh=False,
        complete=complete,
        settings=None if settings is None else Settings.from_dict(settings),
        checkpoint=checkpoint,
        sampling=None if sampling is None else Sampling.from_mapping(sampling),
    )


def resolve(config: RunConfig) -> RunConfig:
    """Fill in the defaults of the slice and of each direction.

    A shard is not calibrated, so that all shards have the same bits as the whole grid that is
    computed so.

    Raises:
        UsageError: for a setting that a kind does not know, or a slice that can't have this grid.
    """
    recipe = slice_from(config.slice)
    directions = directions_from(config.directions)
    if directions and not recipe.uses_directions:
        raise UsageError(f"directions: a slice of kind {recipe.kind} has none; leave the key out")
    recipe.check(tuple(config.grid), config.repeats, directions)
    update: dict[str, Any] = {
        "directions": {
            axis: one.model_dump(mode="json", exclude_none=True) for axis, one in directions.items()
        },
        "measures": {
            one.kind: one.model_dump(mode="json", exclude={"kind"}, exclude_none=True)
            for one in measures_from(config.measures)
        },
        "calibrate": config.calibrate and config.part is None,
    }
    if recipe.kind != DEFAULT_SLICE["kind"]:
        update["slice"] = recipe.model_dump(mode="json", exclude_none=True)
    if config.checkpoints is not None:
        update["checkpoints"] = expand(config.checkpoints)
    points = {axis: directions.get(axis, recipe).auto_points for axis in config.auto_points}
    resolved = config.with_points(points).model_copy(update=update)
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


def _changes(config: RunConfig, checkpoint: CheckpointFacts | None, stored: Surface) -> list[str]:
    if imported := stored.provenance.get("imported"):
        return [f"imported from {imported.get('path')}"]
    lines = differences(stored.config, config)
    part = Shard.of_file(stored.provenance)
    if config.part not in (None, part):
        lines.append(f"shard: {part or 'the whole grid'} in the file, {config.part} now")
    before = stored.provenance.get("checkpoint") or {}
    after = {} if checkpoint is None else asdict(checkpoint)
    if before.get("sha256") != after.get("sha256"):
        content = ", with another content" if before.get("path") == after.get("path") else ""
        lines.append(
            f"checkpoint: {before.get('path')} in the file, {after.get('path')} now{content}"
        )
    micro_batch = stored.provenance.get("settings", {}).get("micro_batch")
    if config.batch_size not in (None, micro_batch):
        lines.append(f"batch_size: {micro_batch} in the file, {config.batch_size} now")
    return lines
