"""The start of a run, fresh or continued, with all checks that need no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

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
from landscape_cli.records.checkpoint_path import CheckpointPath, identity
from landscape_cli.records.shards import Shard
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.run.output_check import check_outputs
from landscape_cli.run.setup.measure_setup import MeasureFacts
from landscape_cli.run.setup.sample_choice import Sampling
from landscape_cli.store import own_points, read_surface

T = TypeVar("T")


@dataclass(frozen=True)
class CheckpointFacts:
    """The identity of a checkpoint.

    Args:
        path: as the user wrote it.
        sha256: SHA-256 of its content.
        key: key of the entry that the user named.
        prefix: prefix of names that the user gave.
    """

    path: str
    sha256: str
    key: str | None = None
    prefix: str | None = None

    @classmethod
    def of(cls, path: CheckpointPath) -> CheckpointFacts:
        """Hash a checkpoint.

        Raises:
            CheckpointError: if it can't be read.
        """
        return cls(path.path, file_hash(path), path.key, path.prefix)

    def as_mapping(self) -> dict[str, str]:
        """Return the known entries as plain values."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Start:
    """The configuration of a run and the state of its file, as found by rank 0.

    Args:
        config: the configuration, with the defaults of its slice and directions filled in.
        fresh: True for a new file; False if a file is continued.
        complete: True if no point of the file is left to do and none has failed.
        settings: settings of the forward pass in the file; None for a new file.
        checkpoint: file of the trained weights; None without one.
        sampling: choice of samples in the file, if there was one.
        measures: choices for measures in the file, if it has any.
        overwrite: whether other directions beside a new file may be replaced.
    """

    config: RunConfig
    fresh: bool = True
    complete: bool = False
    settings: Settings | None = None
    checkpoint: CheckpointFacts | None = None
    sampling: Sampling | None = None
    measures: MeasureFacts | None = None
    overwrite: bool = False


def decide(
    config: RunConfig, overwrite: bool, resume: bool, lock: Callable[[], None] = lambda: None
) -> Start:
    """Check all that can be checked without the model, and inspect an existing file.

    Args:
        config: the run.
        overwrite: compute everything, regardless of an existing file.
        resume: require a file to continue.
        lock: called before an existing file is read, to keep other runs from changing it.

    Raises:
        UsageError: for invalid settings of directions, or options that exclude each other.
        CheckpointError: if the checkpoint can't be read.
        StoreError: if the output can't be written, or is another file that would be lost.
    """
    if overwrite and resume:
        raise UsageError("--overwrite and --resume exclude each other; choose one")
    config = resolve(config)
    output = config.file
    check_outputs(config, overwrite)
    checkpoint = None if config.checkpoint is None else CheckpointFacts.of(config.checkpoint)
    if resume and not output.exists():
        raise StoreError(f"--resume: there is no {output} to continue; leave --resume out to start")
    lock()
    if overwrite or not output.exists():
        return Start(config, checkpoint=checkpoint, overwrite=overwrite)
    stored = read_surface(output)
    if set(config.auto) <= set(stored.grid.axes):
        axes = stored.grid.axes.items()
        config = config.with_ranges({name: (axis.low, axis.high) for name, axis in axes})
    refuse_other(output, _changes(config, checkpoint, stored))
    batch_size = config.batch_size or stored.config.get("batch_size")
    kept = {"splits": stored.config.get("splits"), "batch_size": batch_size}
    config = config.model_copy(update=kept)
    own = stored.status[own_points(stored.grid, config.part)]
    complete = not np.isin(own, (Status.TODO, Status.FAILED)).any()
    return Start(
        config,
        fresh=False,
        complete=complete,
        settings=_restored(stored, "settings", Settings.from_dict, output),
        checkpoint=checkpoint,
        sampling=_restored(stored, "sampling", Sampling.from_mapping, output),
        measures=_restored(stored, "measures", MeasureFacts.from_mapping, output),
    )


def _restored(
    stored: Surface, key: str, read: Callable[[Mapping[str, Any]], T], output: Path
) -> T | None:
    """Return a choice that a file's provenance records, if it does.

    Raises:
        StoreError: if it is malformed, or made by a newer version.
    """
    facts = stored.provenance.get(key)
    try:
        return None if facts is None else read(facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            f"{output}: {key}: not as this version writes it ({error}); continue it with the "
            "version that made it, or choose another --output"
        ) from None


def resolve(config: RunConfig) -> RunConfig:
    """Fill in the defaults of the slice and of each direction.

    A shard is not calibrated, so that merged shards equal, bit for bit, the whole grid computed
    without calibration.

    Raises:
        UsageError: for an unknown setting of a kind, or a slice that does not support this grid.
    """
    recipe = slice_from(config.slice)
    directions = directions_from(config.directions)
    if not recipe.uses_directions:
        _refuse_directions(config, recipe.kind)
    recipe.check(tuple(config.grid), config.repeats, directions)
    curvature = config.curvature
    shared = None if curvature is None else curvature.model_dump(exclude_none=True)
    update: dict[str, Any] = {
        "directions": {
            axis: one.model_dump(mode="json", exclude_none=True) for axis, one in directions.items()
        },
        "measures": {one.kind: one.settings() for one in measures_from(config.measures, shared)},
        "curvature": None,
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


def _refuse_directions(config: RunConfig, kind: str) -> None:
    """Refuse directions, and their settings, for a slice that has none."""
    if config.directions:
        raise UsageError(f"directions: a slice of kind {kind} has none; leave the key out")
    for key, value in (("orthogonal", config.orthogonal), ("keep_directions", "streamed")):
        if value and value == getattr(config, key):
            shown = str(value).lower()
            raise UsageError(
                f"{key}: {shown} applies to directions, and a slice of kind {kind} has none to "
                "set; leave the key out"
            )


def refuse_other(output: Path, changes: list[str]) -> None:
    """Refuse to continue a file whose values would differ.

    Raises:
        StoreError: listing the changes, if there are any.
    """
    if changes:
        raise StoreError(
            f"{output} was made with another configuration ({'; '.join(changes)}); choose another "
            "--output, or --overwrite to recompute it"
        )


def _precision(config: RunConfig, stored: Surface) -> str:
    """Return the precision with which a run's is compared.

    It is the one that the file was computed in; or, where that is fp32 because the one asked for
    was slower, also the latter, unless the run now insists on it.
    """
    asked: str = stored.config.get("precision", "fp32")
    used: str = stored.provenance.get("settings", {}).get("precision", asked)
    same = config.precision == asked and not (config.even_if_slower and used != asked)
    return config.precision if same else used


def _changes(config: RunConfig, checkpoint: CheckpointFacts | None, stored: Surface) -> list[str]:
    """List the differences between a run and a stored surface that affect the values."""
    if imported := stored.provenance.get("imported"):
        return [f"imported from {imported.get('path')}"]
    lines = differences({**stored.config, "precision": _precision(config, stored)}, config)
    part = Shard.of_file(stored.provenance)
    if config.part not in (None, part):
        lines.append(f"shard: {part or 'the whole grid'} in the file, {config.part} now")
    before = stored.provenance.get("checkpoint") or {}
    after = {} if checkpoint is None else checkpoint.as_mapping()
    if identity(before) != identity(after):
        old, new = _checkpoint_text(before), _checkpoint_text(after)
        content = ", with different content" if old == new else ""
        lines.append(f"checkpoint: {old} in the file, {new} now{content}")
    micro_batch = stored.provenance.get("settings", {}).get("micro_batch")
    if config.batch_size not in (None, micro_batch):
        lines.append(f"batch_size: {micro_batch} in the file, {config.batch_size} now")
    return lines


def _checkpoint_text(facts: Mapping[str, Any]) -> str:
    """Return a checkpoint's path, key and prefix for messages."""
    if facts.get("path") is None:
        return "None"
    text = str(CheckpointPath(facts["path"], facts.get("key")))
    return f"{text} (prefix {facts['prefix']})" if facts.get("prefix") else text
