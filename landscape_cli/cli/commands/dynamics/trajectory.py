"""``landscape trajectory``: project the path of a training run onto a plane."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.commands.compute import print_ending
from landscape_cli.cli.commands.dynamics.rest_of_time import with_rest_of_time
from landscape_cli.cli.commands.dynamics.training_options import training_options
from landscape_cli.cli.commands.dynamics.trajectory_lines import path_lines, plane_lines
from landscape_cli.cli.error_report import EXIT_FAILED, EXIT_RESUMABLE
from landscape_cli.cli.help_sections import Section, SectionCommand
from landscape_cli.cli.options import (
    LOGS,
    OUTPUT,
    RUNNING,
    debug_option,
    device_options,
    log_options,
    set_option,
    time_limit_option,
)
from landscape_cli.cli.output import same_command, say
from landscape_cli.cli.run_preparation import begin_ranks, prepare_run
from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.run.compute import Outcome
    from landscape_cli.tracing import Options, Trace, Training

PLANE = Section("The plane")
LOSSES = Section("The checkpoints' own losses")

EXAMPLES = """\b
Examples:
  landscape trajectory run.yaml --checkpoints 'runs/net_epochs/*.pt'
  landscape trajectory run.yaml --checkpoints 'runs/*/epoch*.pt' --log runs/net_epochs/log.csv
  landscape trajectory run.yaml --checkpoints 'runs/*.pt' --onto runs/surface.directions.h5
  landscape trajectory run.yaml --training 'sgd=runs/sgd/*.pt' --training 'adam=runs/adam/*.pt'
  mpiexec -n 4 landscape trajectory run.yaml --checkpoints 'runs/*.pt' --losses --gradients
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@training_options
@PLANE.option(
    "--center",
    type=click.Choice(["final", "mean"]),
    default="final",
    show_default=True,
    help="Centre of the principal components: the final checkpoint, or the mean of all, as in "
    "scikit-learn's PCA. The origin of the plane is the final checkpoint in both cases.",
)
@PLANE.option(
    "--ignore",
    type=click.Choice(["none", "biasbn"]),
    default="none",
    show_default=True,
    help="biasbn: leave tensors of one dimension (biases, norm layers) out of the directions.",
)
@PLANE.option(
    "--onto",
    metavar="DIRECTIONS.h5",
    help="Project onto the directions in this file instead of principal components.",
)
@PLANE.option(
    "--margin",
    type=click.FloatRange(0, 100),
    default=0.2,
    show_default=True,
    metavar="FRACTION",
    help="Margin on each side of the path in the proposed range, as a fraction of its width.",
)
@LOSSES.option(
    "--losses",
    is_flag=True,
    help="Also evaluate every checkpoint's own loss, into OUTPUT's .losses.h5, and store it with "
    "the path, which plots then show at its true height.",
)
@LOSSES.option(
    "--gradients",
    is_flag=True,
    help="Also the gradient at every checkpoint, and the angle between the next step and the "
    "steepest descent. Includes --losses.",
)
@LOSSES.option(
    "--split",
    "splits",
    multiple=True,
    metavar="NAME",
    help="Evaluate this split; by default those of CONFIG, or all. Gradients are on the first. "
    "Repeatable.",
)
@LOSSES.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Evaluate N samples of each split, stratified by class; by default as CONFIG says, or "
    "all.",
)
@set_option
@device_options
@time_limit_option
@RUNNING.option(
    "--overwrite", is_flag=True, help="Recompute the losses, even if their file exists."
)
@OUTPUT.option(
    "--output",
    "-o",
    metavar="FILE.h5",
    help="The file to write; by default CONFIG's output with the extension .trajectory.h5.",
)
@LOGS.option("--quiet", "-q", is_flag=True, help="Show neither settings nor progress.")
@log_options
@debug_option
def command(
    config: str,
    patterns: tuple[str, ...],
    named: tuple[str, ...],
    logs: tuple[str, ...],
    output: str | None,
    changes: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
    verbose: bool,
    log_dir: str | None,
    **options: Any,
) -> int:
    """Find the plane that shows most of a training run's path.

    It goes through CONFIG's checkpoint, or the last of --checkpoints if CONFIG names none, along
    the first two principal components of the checkpoints (Li et al. 2018, section 7). The file
    holds both directions, for use with `kind: file` in a configuration, the coordinates of each
    checkpoint, which `landscape plot` draws, and the path's lengths and angles in the full space.

    With --losses, all ranks of mpiexec or srun share the checkpoints; the numbers are the same bits
    on any number of them. A run that was stopped is continued by the same command.
    """
    begin = time.monotonic()
    begin_ranks(verbose)
    from landscape_cli.run import compute

    given = {key: options.pop(key) for key in ("device", "threads", "time_limit")}
    executor, settings = prepare_run(config, changes, given, {}, None, log_dir)
    task = executor.lead(
        lambda: _prepare(config, settings, patterns, named, logs, output, overwrite, options)
    )
    traced: list[Trace] = []
    executor.lead(lambda: traced.extend(_traced(settings, task, quiet)))
    if task.losses is None:
        if executor.rank == 0:
            say(*plane_lines(traced[0], settings, task.path), f"wrote {task.path}")
        return 0
    losses = with_rest_of_time(task.losses, time.monotonic() - begin)
    outcome = compute(losses, executor, overwrite, False, sys.argv, quiet, end=print_ending)
    executor.lead(lambda: _finish(task, traced, outcome, settings))
    if outcome.stopped:
        return EXIT_RESUMABLE
    return EXIT_FAILED if outcome.failed else 0


@dataclass(frozen=True)
class _Task:
    """The work to do: the file to write, the trainings, the run of their losses if asked for."""

    path: Path
    trainings: Sequence[Training]
    options: Options
    losses: RunConfig | None
    gradients: bool


def _prepare(
    config: str,
    settings: RunConfig,
    patterns: Sequence[str],
    named: Sequence[str],
    logs: Sequence[str],
    output: str | None,
    overwrite: bool,
    options: Mapping[str, Any],
) -> _Task:
    """Read the options, and refuse files that can't be written, on rank 0."""
    from landscape_cli.run.output_check import files_named, refuse_read
    from landscape_cli.run.trajectory.losses import (
        Request,
        losses_config,
        losses_path,
        refuse_changed,
    )
    from landscape_cli.store import check_writable
    from landscape_cli.store.file_kind import TRAJECTORY, check_replaceable
    from landscape_cli.tracing import Options, trainings_from
    from landscape_cli.tracing.checkpoint_names import output_path
    from landscape_cli.util.output_files import same_file

    trainings = trainings_from(patterns, named, logs)
    onto, asked = options["onto"], options["losses"] or options["gradients"]
    read = [*filter(None, (onto, *(one.log for one in trainings)))]
    paths = [os.fspath(path) for one in trainings for path in one.paths]
    inputs = [*paths, config, *read, *files_named(settings)]
    path = output_path(settings.output, output, inputs)
    check_writable(path)
    check_replaceable(path, TRAJECTORY, "--output")
    chosen = Options(
        options["center"] == "mean", options["ignore"] == "biasbn", onto, options["margin"]
    )
    if not asked:
        _refuse_without_losses(options, overwrite)
        return _Task(path, trainings, chosen, None, False)
    surface = losses_path(path)
    if same_file(surface, settings.output):
        raise UsageError(f"--output {path}: the losses go to {surface.name}, CONFIG's output")
    splits = tuple(dict.fromkeys(options["splits"])) or None
    request = Request(splits, options["samples"], options["gradients"])
    losses = losses_config(settings, [one.paths for one in trainings], request, surface)
    refuse_read(surface, losses, "--losses", inputs)
    if not overwrite:
        refuse_changed(surface, [one.paths for one in trainings])
    return _Task(path, trainings, chosen, losses, request.gradients)


def _refuse_without_losses(options: Mapping[str, Any], overwrite: bool) -> None:
    """Refuse options that only losses have a use for."""
    given = {"split": options["splits"], "samples": options["samples"], "overwrite": overwrite}
    for name, value in given.items():
        if value:
            raise UsageError(f"--{name}: applies to --losses; add it, or leave --{name} out")


def _traced(settings: RunConfig, task: _Task, quiet: bool) -> list[Trace]:
    """Find the plane and the paths, and write them, on rank 0."""
    from landscape_cli.store.trajectory_file import write_trajectory
    from landscape_cli.tracing import trace
    from landscape_cli.util.progress import Progress

    found = trace(
        settings,
        task.trainings,
        task.options,
        lambda reads: Progress(reads, task.path.name, unit="checkpoint", quiet=quiet),
        splits=(task.losses.splits or ()) if task.losses else (),
    )
    write_trajectory(task.path, found.plane, *found.trajectories)
    return [found]


def _finish(task: _Task, traced: Sequence[Trace], outcome: Outcome, settings: RunConfig) -> None:
    """Store the losses with their paths if all are computed, and report, on rank 0."""
    from landscape_cli.run.trajectory.losses import with_losses
    from landscape_cli.store import read_surface
    from landscape_cli.store.trajectory_file import write_trajectory

    (found,) = traced
    lines = plane_lines(found, settings, task.path)
    if outcome.stopped or outcome.failed:
        why = (
            f"stopped by {outcome.stopped} with {outcome.left} losses left to compute; the same "
            f"command continues: {same_command()}"
            if outcome.stopped
            else f"{outcome.failed} checkpoints failed, the first with {outcome.failure}; the same "
            f"command retries them, and {outcome.surface} has the others"
        )
        say(*lines, f"wrote {task.path} without losses", why)
        return
    states = settings.perturb == "states" or settings.batch_norm == "perturb"
    surface = read_surface(outcome.surface)
    paths = with_losses(found.trajectories, surface, task.gradients, states)
    write_trajectory(task.path, found.plane, *paths)
    say(*lines, *path_lines(paths), f"wrote {task.path}")
