"""``landscape ensemble``: scores of averaged predictions, their members and averaged weights."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landscape_cli.cli.error_report import EXIT_RESUMABLE
from landscape_cli.cli.help_sections import SectionCommand
from landscape_cli.cli.options import (
    LOGS,
    NUMBERS,
    POINTS,
    RUNNING,
    debug_option,
    device_options,
    log_options,
    set_option,
    time_limit_option,
)
from landscape_cli.cli.output import same_command, say, say_json
from landscape_cli.cli.run_preparation import begin_ranks, prepare_run
from landscape_cli.errors import UsageError

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.run.ensemble.compute import EnsembleOutcome
    from landscape_cli.run.ensemble.request import Plan, Scope

POINTS_OF_CURVE = 21
"""Default number of places on a curve."""

EXAMPLES = """\b
Examples:
  landscape ensemble run.yaml a.pt b.pt c.pt
  landscape ensemble run.yaml 'runs/seed*/net.pt' --split test --no-average
  mpiexec -n 4 landscape ensemble run.yaml 'runs/*.pt' -o runs/all.ensemble.json
  landscape ensemble run.yaml --along runs/ab.curve.h5
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@click.argument("checkpoints", metavar="CHECKPOINT...", nargs=-1)
@POINTS.option(
    "--along",
    metavar="CURVE.h5",
    help="In place of checkpoints, score the networks along this curve, which `landscape connect` "
    "wrote: each place alone, and its predictions averaged with those at t = 0.",
)
@POINTS.option(
    "--points",
    type=click.IntRange(min=2),
    metavar="N",
    help="Places on the curve, from t = 0 to 1; by default 21.",
)
@POINTS.option(
    "--average/--no-average",
    default=None,
    help="Also score the network of the averaged weights, as `landscape average` makes it, unless "
    "the networks are those along a curve.",
)
@set_option
@NUMBERS.option(
    "--split",
    "splits",
    multiple=True,
    metavar="NAME",
    help="Score on this split; by default on those of CONFIG, or all. Repeatable.",
)
@NUMBERS.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Use N samples of each split, stratified by class; by default as CONFIG says, or all.",
)
@NUMBERS.option(
    "--batch-norm-samples",
    type=click.IntRange(min=2),
    metavar="N",
    help="Re-estimate batch norm's statistics, of averaged weights or along a curve, on N samples "
    "of the split train; by default on all, and on 2048 along a curve.",
)
@device_options
@time_limit_option
@RUNNING.option("--overwrite", is_flag=True, help="Recompute everything, even if OUTPUT exists.")
@LOGS.option(
    "--output",
    "-o",
    metavar="FILE.json",
    help="The file to write; by default the name of CONFIG's output, or of the curve, with the "
    "extension .ensemble.json.",
)
@LOGS.option("--json", "as_json", is_flag=True, help="Print the file's content.")
@LOGS.option("--quiet", "-q", is_flag=True, help="Show neither settings nor progress.")
@log_options
@debug_option
def command(
    config: str,
    checkpoints: tuple[str, ...],
    along: str | None,
    points: int | None,
    average: bool | None,
    changes: tuple[str, ...],
    splits: tuple[str, ...],
    samples: int | None,
    batch_norm_samples: int | None,
    device: str | None,
    threads: int | None,
    time_limit: str | None,
    overwrite: bool,
    output: str | None,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    log_dir: str | None,
) -> int:
    """Score averaged predictions of several checkpoints.

    CHECKPOINT is a recording, file or folder, or a quoted pattern; PATH::KEY takes this entry.
    Loss, accuracy, Brier score and calibration error of the mean of the members' probabilities are
    compared with each member's, and with those of their averaged weights. Standard errors are over
    samples; those of differences are paired. The objective must expose predictions, as
    cross_entropy does.
    `landscape plot` draws the file.

    Under mpiexec or srun, all ranks share the samples; the numbers are the same bits on any number
    of them. A file that has some of the splits or places gets the others.
    """
    begin_ranks(verbose)
    from landscape_cli.run.ensemble.compute import EnsembleRun
    from landscape_cli.run.ensemble.request import Scope

    given = {"device": device, "threads": threads, "time_limit": time_limit}
    executor, settings = prepare_run(config, changes, given, {}, None, log_dir)
    chosen = splits or settings.splits
    scope = Scope(
        None if chosen is None else tuple(dict.fromkeys(chosen)),
        samples or settings.samples,
        batch_norm_samples,
    )
    plan = executor.lead(lambda: _plan(checkpoints, along, points, average, scope, settings))
    inputs = [config, *plan.files]
    path = _output(settings, output, along)
    run = EnsembleRun(settings, plan, path, executor, inputs, sys.argv, quiet)
    outcome = run.compute(overwrite)
    if executor.rank == 0:
        _report(outcome, as_json)
    return EXIT_RESUMABLE if outcome.stopped else 0


def _plan(
    checkpoints: Sequence[str],
    along: str | None,
    points: int | None,
    average: bool | None,
    scope: Scope,
    settings: RunConfig,
) -> Plan:
    """Return what to compute.

    Raises:
        UsageError: for options that exclude each other.
    """
    from landscape_cli.problems.checkpoint_files import expand
    from landscape_cli.run.ensemble.along import AlongCurve, places_between
    from landscape_cli.run.ensemble.members import Members

    if along is None:
        if points is not None:
            raise UsageError(f"--points {points}: only for a curve; add --along, or leave it out")
        return Members(tuple(expand(checkpoints, "CHECKPOINT")), scope, average is not False)
    if checkpoints:
        raise UsageError(
            f"--along {along}: got {checkpoints[0]}, too, but the members are networks along the "
            "curve; leave one out"
        )
    if average is not None:
        raise UsageError(f"--along {along}: no weights are averaged; drop --average/--no-average")
    places = places_between(points or POINTS_OF_CURVE)
    return AlongCurve(along, places, scope, settings.batch_norm_samples)


def _output(settings: RunConfig, given: str | None, along: str | None) -> Path:
    if given is not None:
        return Path(given).absolute()
    beside = Path(along or settings.output).absolute()
    return beside.with_name(f"{beside.stem.removesuffix('.curve')}.ensemble.json")


def _report(outcome: EnsembleOutcome, as_json: bool) -> None:
    from landscape_cli.cli.commands.ensembles.summary import summary
    from landscape_cli.store.reports.ensemble_file import ensemble_facts

    record = outcome.record
    if record is not None:
        if as_json:
            say_json(ensemble_facts(record))
            return
        say(*summary(record))
    if outcome.stopped:
        say(f"stopped by {outcome.stopped}; the same command continues: {same_command()}")
    elif outcome.computed:
        say(f"wrote {outcome.path}")
    else:
        say(f"{outcome.path} has all of this; nothing to do (--overwrite recomputes it)")
