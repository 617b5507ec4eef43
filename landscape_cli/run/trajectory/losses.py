"""Values of checkpoints, computed as a surface along their numbers, and their paths with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.config.checks import refuse_quantized
from landscape_cli.config.run_config import RunConfig
from landscape_cli.errors import UsageError
from landscape_cli.problems.weights import Hashes
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.grid import Axis
from landscape_cli.records.presentation import fact
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Quantity
from landscape_cli.records.trajectory import Trajectory
from landscape_cli.run.resume import refuse_other
from landscape_cli.store import read_surface
from landscape_cli.store.file_kind import SURFACE, file_kind

KEPT = (
    *("problem", "problem_args", "batch_norm_samples", "target_stderr", "device", "batch_size"),
    *("threads", "precision", "even_if_slower", "cache", "time_limit", "keep_going"),
    "allow_random",
)
"""Keys of a configuration that hold for its checkpoints, too."""

NORM, SLOPE = "gradient_norm", "gradient_x"
"""Quantities of the measure ``gradient``."""

ENDING = ".trajectory"


@dataclass(frozen=True)
class Request:
    """Values to compute of each checkpoint.

    Args:
        splits: the splits; those of the configuration if None.
        samples: number of samples of each split; as the configuration says if None.
        gradients: whether the gradient is compared with the next step, on the first split.
    """

    splits: tuple[str, ...] | None = None
    samples: int | None = None
    gradients: bool = False


def losses_path(trajectory: Path) -> Path:
    """Return the surface file of a trajectory's losses, ``<stem>.losses.h5`` beside it."""
    return trajectory.with_name(f"{trajectory.stem.removesuffix(ENDING)}.losses.h5")


def losses_config(
    config: RunConfig,
    trainings: Sequence[Sequence[CheckpointPath]],
    request: Request,
    output: Path,
) -> RunConfig:
    """Return the configuration of a surface with a point for each checkpoint.

    Each network has its own buffers, among them batch norm's statistics unless these are
    re-estimated. Nothing is calibrated or compiled, so that bits can be repeated.

    Args:
        config: names the problem and the device.
        trainings: the checkpoints of each.
        request: what to compute.
        output: the surface file.

    Raises:
        UsageError: if gradients are asked for where they would not be those of the loss.
    """
    refuse_quantized(
        config, "checkpoints of a training have no common centre that could fix the scales"
    )
    recalibrate = config.batch_norm == "recalibrate"
    if request.gradients and recalibrate:
        raise UsageError(
            "--gradients: with batch_norm: recalibrate the loss also depends on statistics that "
            "the gradient ignores; --set batch_norm=frozen, or leave --gradients out"
        )
    paths = [path for training in trainings for path in training]
    last = len(paths) - 1
    samples = request.samples or config.samples
    values: dict[str, Any] = {
        **{key: getattr(config, key) for key in KEPT},
        "checkpoint": paths[-1].as_plain(),
        "slice": {
            "kind": "checkpoints",
            "paths": [path.as_plain() for path in paths],
            "counts": [len(training) for training in trainings],
        },
        "perturb": "states",
        "batch_norm": "recalibrate" if recalibrate else "perturb",
        "grid": {"x": Axis(0.0, float(last), last + 1)},
        "splits": config.splits if request.splits is None else list(request.splits),
        "samples": samples,
        "target_stderr": config.target_stderr if samples is None else None,
        "measures": {"gradient": {}} if request.gradients else {},
        "calibrate": False,
        "compile": "off",
        "allow_flat": True,
        "output": str(output),
    }
    return RunConfig(**values)


def refuse_changed(output: Path, trainings: Sequence[Sequence[CheckpointPath]]) -> None:
    """Refuse a surface file of losses whose checkpoints have changed since it was begun.

    A run that continues the file compares them, too; a complete file is not continued.

    Args:
        output: the surface file, which may not exist.
        trainings: the checkpoints of each.

    Raises:
        StoreError: naming the first checkpoint that has changed.
    """
    if not output.is_file() or file_kind(output) != SURFACE:
        return
    stored = fact(read_surface(output).provenance, "slice", "sha256")
    paths, hashes = [path for training in trainings for path in training], Hashes()
    if isinstance(stored, list) and len(stored) == len(paths):
        for path, before in zip(paths, stored, strict=True):
            if hashes(path) != before:
                refuse_other(output, [f"checkpoints: {path} has changed"])


def with_losses(
    trajectories: Sequence[Trajectory], surface: Surface, gradients: bool, states: bool = False
) -> list[Trajectory]:
    """Return paths with the values of their checkpoints.

    Args:
        trajectories: the path of each training.
        surface: the values of all of their checkpoints, in order.
        gradients: whether it has the measure ``gradient``.
        states: whether the paths' lengths count buffers, so that steps of buffers alone are none
            of the parameters.
    """
    counts = [len(path.coordinates) for path in trajectories]
    starts = np.cumsum([0, *counts]).tolist()
    parameters = surface.provenance["network"]["parameters"]
    found = []
    for path, start, count in zip(trajectories, starts, counts, strict=False):
        span = slice(start, start + count)
        values = {key: array[span] for key, array in surface.values.items() if key[1] != SLOPE}
        stderr = {key: array[span] for key, array in surface.stderr.items() if key[1] != SLOPE}
        descent = _descent(path, surface.values, span, states) if gradients else None
        found.append(
            replace(path, values=values, stderr=stderr, descent=descent, parameters=parameters)
        )
    return found


def _descent(
    path: Trajectory, values: Mapping[Quantity, NDArray[np.float64]], span: slice, states: bool
) -> NDArray[np.float64]:
    """Return the cosines between steps and the negative gradients where they start."""
    (split,) = {split for split, name in values if name == SLOPE}
    slopes, norms = values[split, SLOPE][span][:-1], values[split, NORM][span][:-1]
    moved = np.ones(len(slopes), bool) if path.lengths is None else path.lengths.steps > 0
    if states:  # a slope of exactly 0 is that of a step whose parameters are at rest
        moved &= slopes != 0
    with np.errstate(divide="ignore", invalid="ignore"):
        cosines: NDArray[np.float64] = np.where(moved, -slopes / norms, np.nan)
    return cosines
