"""``landscape diffusion``: a diffusion map of trainings, beside those of random walks."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.commands.compute import print_ending
from landscape_cli.cli.commands.dynamics.rest_of_time import with_rest_of_time
from landscape_cli.cli.commands.dynamics.training_options import TRAINING, training_options
from landscape_cli.cli.error_report import EXIT_FAILED, EXIT_RESUMABLE
from landscape_cli.cli.help_sections import Section, SectionCommand
from landscape_cli.cli.options import (
    LOGS,
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
    from landscape_cli.run import Outcome
    from landscape_cli.run.diffusion.compute import DiffusionOutcome
    from landscape_cli.run.diffusion.request import Dating, Request, TrainingPath
    from landscape_cli.tracing.trainings import Training

MAP = Section("The map")
NULLS = Section("Random walks to compare with")
LOSSES = Section("The checkpoints' own losses")

KINDS = {"walk": ("walk",), "permuted": ("permuted",), "both": ("walk", "permuted"), "none": ()}

EXAMPLES = """\b
Examples:
  landscape diffusion run.yaml --checkpoints 'runs/net_epochs/*.pt'
  landscape diffusion run.yaml --training small='runs/b32/*.pt' --training large='runs/b4096/*.pt'
  mpiexec -n 4 landscape diffusion run.yaml --checkpoints 'runs/steps/*.pt' --components 8
"""


class Epsilon(click.ParamType):  # type: ignore[type-arg]
    """``auto``, ``median`` or a number."""

    name = "auto|median|NUMBER"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | str:
        """Return the word or the number."""
        if value in ("auto", "median"):
            return str(value)
        try:
            return float(value)
        except ValueError:
            self.fail(f"got {value!r}, expected auto, median or a number above 0", param, ctx)


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@training_options
@TRAINING.option(
    "--onto",
    metavar="PATTERN",
    multiple=True,
    help="Further checkpoints, placed in the map without changing it (Nyström extension). "
    "Repeatable.",
)
@MAP.option(
    "--alpha",
    type=float,
    default=1.0,
    show_default=True,
    metavar="A",
    help="Density normalization: 1 makes the map independent of how densely checkpoints lie "
    "(Laplace-Beltrami), 0.5 is Fokker-Planck, 0 none.",
)
@MAP.option(
    "--epsilon",
    type=Epsilon(),
    default="auto",
    show_default=True,
    metavar="auto|median|NUMBER",
    help="Bandwidth of the kernel exp(-distance² / epsilon). auto: where its sum grows fastest, "
    "among those that join all checkpoints; median: the median squared distance; or a number.",
)
@MAP.option(
    "--components",
    type=int,
    default=5,
    show_default=True,
    metavar="K",
    help="Number of coordinates.",
)
@MAP.option(
    "--time",
    type=float,
    default=1.0,
    show_default=True,
    metavar="T",
    help="Coordinates are eigenvalue^T times eigenfunction.",
)
@NULLS.option(
    "--null",
    type=click.Choice(list(KINDS)),
    default="both",
    show_default=True,
    help="walk: steps of the checkpoints' lengths in random directions; permuted: the checkpoints' "
    "own steps in random order.",
)
@NULLS.option(
    "--draws",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of walks of each kind; by default 20, or fewer for more than 2,000 checkpoints.",
)
@NULLS.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of the walks.",
)
@LOSSES.option(
    "--losses",
    is_flag=True,
    help="Also evaluate every checkpoint's own loss, into OUTPUT's .losses.h5, and store it with "
    "the map; without it, losses are those that a recording has.",
)
@LOSSES.option(
    "--split",
    metavar="NAME",
    help="Evaluate this split; by default CONFIG's first, or train.",
)
@LOSSES.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Evaluate N samples, stratified by class; by default as CONFIG says, or all.",
)
@set_option
@device_options
@time_limit_option
@RUNNING.option("--resume", is_flag=True, help="Continue OUTPUT; an error if it does not exist.")
@RUNNING.option("--overwrite", is_flag=True, help="Recompute everything, even if OUTPUT exists.")
@LOGS.option(
    "--output",
    "-o",
    metavar="FILE.h5",
    help="The file to write; by default CONFIG's output with the extension .diffusion.h5.",
)
@LOGS.option("--quiet", "-q", is_flag=True, help="Show neither settings nor progress.")
@log_options
@debug_option
def command(
    config: str,
    patterns: tuple[str, ...],
    named: tuple[str, ...],
    onto: tuple[str, ...],
    logs: tuple[str, ...],
    null: str,
    losses: bool,
    split: str | None,
    samples: int | None,
    changes: tuple[str, ...],
    resume: bool,
    overwrite: bool,
    output: str | None,
    quiet: bool,
    verbose: bool,
    log_dir: str | None,
    **options: Any,
) -> int:
    """Map how trainings move through parameter space.

    Close checkpoints become close points in few coordinates, whatever path joins them (Coifman and
    Lafon 2006). A random walk gives the same-looking map: such walks are mapped beside, and it is
    said in what the trainings differ from them.

    Under mpiexec or srun, all ranks share the distances and the walks; the numbers are the same
    bits on any number of them. A file of the same checkpoints keeps its distances: other settings
    recompute only the map.
    """
    begin = time.monotonic()
    begin_ranks(verbose)
    from landscape_cli.diffusion.study import Choices
    from landscape_cli.run import compute
    from landscape_cli.run.diffusion.compute import DiffusionRun
    from landscape_cli.run.diffusion.request import Request

    given = {key: options.pop(key) for key in ("device", "threads", "time_limit")}
    executor, settings = prepare_run(config, changes, given, {}, None, log_dir)
    trainings, further = executor.lead(lambda: _trainings(patterns, named, logs, onto))
    request = Request(
        tuple(map(_path, trainings)),
        Choices(nulls=KINDS[null], **options),
        tuple(map(_path, further)),
    )
    inputs = [config, *(one.log for one in trainings if one.log is not None)]
    path = _output(settings, output)
    surface = executor.lead(
        lambda: (
            _losses(settings, request, path, inputs, overwrite, split, samples)
            if losses
            else _refuse_without_losses(split, samples)
        )
    )
    run = DiffusionRun(settings, request, path, executor, inputs, sys.argv, quiet)
    outcome = run.compute(overwrite, resume)
    if surface is None or outcome.stopped:
        if executor.rank == 0:
            _report(outcome)
        return EXIT_RESUMABLE if outcome.stopped else 0
    surface = with_rest_of_time(surface, time.monotonic() - begin)
    found = compute(surface, executor, overwrite, False, sys.argv, quiet, end=print_ending)
    executor.lead(lambda: _with_losses(outcome, found))
    if found.stopped:
        return EXIT_RESUMABLE
    return EXIT_FAILED if found.failed else 0


def _trainings(
    patterns: Sequence[str], named: Sequence[str], logs: Sequence[str], onto: Sequence[str]
) -> tuple[list[Training], list[Training]]:
    """Return the trainings of the map, and the further ones."""
    from landscape_cli.problems.checkpoint_files import expand
    from landscape_cli.tracing.learning_rates import read_rates
    from landscape_cli.tracing.trainings import Training, trainings_from

    found = trainings_from(patterns, named, logs)
    for log in filter(None, (one.log for one in found)):
        read_rates(log)
    further = [Training("onto", tuple(expand(onto, "--onto")))] if onto else []
    return found, further


def _path(training: Training) -> TrainingPath:
    from landscape_cli.run.diffusion.request import TrainingPath

    return TrainingPath(training.name, training.paths, _dating(training.log), training.log)


def _dating(log: str | None) -> Dating:
    from landscape_cli.tracing.checkpoint_names import epochs
    from landscape_cli.tracing.learning_rates import of_checkpoints, read_rates

    def find(paths: Sequence[Any], stored: Sequence[object]) -> tuple[Any, Any]:
        known = epochs(paths, stored)
        return known, of_checkpoints(paths, known, None if log is None else read_rates(log))

    return find


def _losses(
    settings: RunConfig,
    request: Request,
    path: Path,
    inputs: Sequence[str],
    overwrite: bool,
    split: str | None,
    samples: int | None,
) -> RunConfig:
    """Return the run of the checkpoints' losses.

    Raises:
        LandscapeError: if its file can't be written, or is that of other checkpoints.
    """
    from landscape_cli.run.diffusion.losses import losses_path
    from landscape_cli.run.output_check import refuse_read
    from landscape_cli.run.trajectory.losses import Request as LossRequest
    from landscape_cli.run.trajectory.losses import losses_config, refuse_changed

    trainings = [one.checkpoints for one in request.paths]
    chosen = split or (settings.splits or ["train"])[0]
    wanted = LossRequest((chosen,), samples)
    surface = losses_path(path)
    config = losses_config(settings, trainings, wanted, surface)
    read = [one.path for one in request.checkpoints]
    refuse_read(surface, config, "--losses", [*inputs, *read])
    if not overwrite:
        refuse_changed(surface, trainings)
    return config


def _refuse_without_losses(split: str | None, samples: int | None) -> None:
    """Refuse options that only losses have a use for."""
    for name, value in (("split", split), ("samples", samples)):
        if value is not None:
            raise UsageError(f"--{name}: applies to --losses; add it, or leave --{name} out")


def _with_losses(outcome: DiffusionOutcome, found: Outcome) -> None:
    """Store the losses with the map if all are computed, and report, on rank 0."""
    from landscape_cli.run.diffusion.losses import store_losses
    from landscape_cli.store import read_surface

    if found.stopped or found.failed:
        _report(outcome)
        say(
            f"stopped by {found.stopped} with {found.left} losses left to compute; the same "
            f"command continues: {same_command()}"
            if found.stopped
            else f"no losses stored: {found.failed} checkpoints failed, the first with "
            f"{found.failure}; the same command retries them, and {found.surface} has the others"
        )
        return
    record = store_losses(outcome.path, read_surface(found.surface))
    _report(replace(outcome, record=record))


def _output(settings: RunConfig, given: str | None) -> Path:
    beside = Path(settings.output).absolute()
    return (
        beside.with_name(f"{beside.stem}.diffusion.h5") if given is None else Path(given).absolute()
    )


def _report(outcome: DiffusionOutcome) -> None:
    from landscape_cli.cli.commands.dynamics.diffusion_lines import diffusion_lines

    record = outcome.record
    if record is not None and record.complete:
        say(*diffusion_lines(record))
    if outcome.stopped:
        say(f"stopped by {outcome.stopped}; the same command continues: {same_command()}")
    elif outcome.computed:
        say(f"wrote {outcome.path}")
    else:
        say(f"{outcome.path} has all of this; nothing to do (--overwrite recomputes it)")
