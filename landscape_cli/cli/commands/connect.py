"""``landscape connect``: a curve of low loss between two trained networks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.error_report import EXIT_RESUMABLE
from landscape_cli.cli.help_sections import Section, SectionCommand
from landscape_cli.cli.options import (
    LOGS,
    NUMBERS,
    RUNNING,
    RegistryChoice,
    debug_option,
    device_options,
    log_options,
    set_option,
    time_limit_option,
)
from landscape_cli.cli.output import same_command, say
from landscape_cli.cli.run_preparation import begin_ranks, prepare_run
from landscape_cli.errors import UsageError
from landscape_cli.records.curves import CURVES

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.parallel.executor import Executor
    from landscape_cli.records.checkpoint_path import CheckpointPath
    from landscape_cli.records.curves.barriers import Barriers
    from landscape_cli.run.connect.compute import ConnectOutcome
    from landscape_cli.run.connect.pairs import PairsOutcome
    from landscape_cli.run.connect.request import Request

CURVE = Section("The curve")
TRAINING = Section("Training")
PAIRS = Section("All pairs of several networks")

EXAMPLES = """\b
Examples:
  landscape connect run.yaml --from runs/a.pt --to runs/b.pt -o runs/ab.curve.h5
  landscape connect run.yaml --from a.pt --to b.pt --curve chain --bends 2 --epochs 50 --lr 0.02
  mpiexec -n 4 landscape connect run.yaml --pairs all --checkpoints 'runs/seed*.pt' -o runs/pairs
"""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@CURVE.option("--from", "first", metavar="PATH[::KEY]", help="The checkpoint at t = 0.")
@CURVE.option("--to", "last", metavar="PATH[::KEY]", help="The checkpoint at t = 1.")
@CURVE.option(
    "--curve",
    "shape",
    type=RegistryChoice(CURVES),
    default="bezier",
    show_default=True,
    help="bezier: smooth, and drawn towards the bends; chain: straight pieces from bend to bend.",
)
@CURVE.option(
    "--bends",
    type=click.IntRange(0, 100),
    default=1,
    show_default=True,
    metavar="N",
    help="Number of points between the ends, which are trained; 0 for the straight line.",
)
@TRAINING.option(
    "--epochs",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    metavar="N",
    help="Passes over the split.",
)
@TRAINING.option(
    "--lr",
    "rate",
    type=click.FloatRange(0, min_open=True),
    default=0.05,
    show_default=True,
    help="First learning rate of SGD: constant for half of the steps, then falling linearly to a "
    "hundredth at nine tenths.",
)
@TRAINING.option(
    "--momentum",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.9,
    show_default=True,
    help="Momentum of SGD.",
)
@TRAINING.option(
    "--weight-decay",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="Of the network on the curve, phi(t).",
)
@TRAINING.option(
    "--batch-size",
    type=click.IntRange(1),
    metavar="N",
    help="Samples in a batch of a dataset; by default 128. Loaders keep their own batches.",
)
@TRAINING.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of places on the curve, of the order of samples, and of augmentation.",
)
@PAIRS.option(
    "--pairs",
    type=click.Choice(["all"]),
    help="Connect every two of the --checkpoints, each pair on one rank, and compute the barriers "
    "of loss and error along the straight line, the straight line once the second network is "
    "aligned, and the curve. OUTPUT is a folder, which also gets barriers.json and barriers.png.",
)
@PAIRS.option(
    "--checkpoints",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    help="The networks: files, folders or quoted patterns. Repeatable.",
)
@PAIRS.option(
    "--points",
    type=click.IntRange(min=2),
    default=21,
    show_default=True,
    metavar="N",
    help="Points along each way from network to network.",
)
@PAIRS.option(
    "--align/--no-align",
    default=True,
    help="Whether the second network of each pair is aligned, too, by landscape align; it is by "
    "default.",
)
@set_option
@NUMBERS.option(
    "--split", metavar="NAME", default="train", show_default=True, help="The split to train on."
)
@NUMBERS.option(
    "--quantity",
    metavar="NAME",
    help="The objective's value to minimize; by default its first one.",
)
@device_options
@time_limit_option
@RUNNING.option("--resume", is_flag=True, help="Continue OUTPUT; an error if it does not exist.")
@RUNNING.option(
    "--overwrite", is_flag=True, help="Train from the beginning, even if OUTPUT exists."
)
@LOGS.option(
    "--output",
    "-o",
    metavar="FILE.curve.h5",
    help="The file to write; by default named after both checkpoints, beside CONFIG's output.",
)
@LOGS.option("--quiet", "-q", is_flag=True, help="Show neither settings nor progress.")
@log_options
@debug_option
def command(
    config: str,
    first: str | None,
    last: str | None,
    changes: tuple[str, ...],
    pairs: str | None,
    patterns: tuple[str, ...],
    points: int,
    align: bool,
    output: str | None,
    resume: bool,
    overwrite: bool,
    quiet: bool,
    verbose: bool,
    log_dir: str | None,
    **options: Any,
) -> int:
    """Train a curve between two checkpoints of CONFIG's network, along which the loss is low.

    The bends of phi(t) = sum of c_k(t) w_k are trained by SGD to minimize the mean of the loss over
    t (Garipov et al. 2018), on CONFIG's own training data. An incomplete file is continued with the
    same bits. A configuration with slice: {kind: curve, path: FILE.curve.h5} and grid: {x: [0, 1,
    61]} then computes the loss along the curve.
    """
    begin_ranks(verbose)
    from landscape_cli.run.connect.compute import ConnectRun

    given = {key: options.pop(key) for key in ("device", "threads", "time_limit")}
    executor, settings = prepare_run(config, changes, given, {}, None, log_dir)
    if pairs is not None:
        executor.lead(lambda: _refuse_ends(first, last, resume))
        folder = Path(output or f"{Path(settings.output).stem}.pairs").absolute()
        choices = (patterns, points, align, folder, overwrite, quiet)
        return _connect_pairs(config, settings, executor, _request(options), *choices)
    executor.lead(lambda: _refuse_patterns(patterns))

    def connect() -> ConnectOutcome:
        ends = _ends(first, last)
        run = ConnectRun(
            settings,
            _request(options),
            ends,
            _output(settings, ends, output),
            [config],
            sys.argv,
            quiet,
        )
        return run.compute(overwrite, resume)

    with executor.stop.on_signals():  # one curve is trained by one rank; the others wait
        outcome = executor.lead(connect)
    if executor.rank == 0:
        _report(outcome)
    return EXIT_RESUMABLE if outcome.stopped else 0


def _connect_pairs(
    path: str,
    settings: RunConfig,
    executor: Executor,
    request: Request,
    patterns: tuple[str, ...],
    points: int,
    align: bool,
    folder: Path,
    overwrite: bool,
    quiet: bool,
) -> int:
    from landscape_cli.problems.checkpoint_files import expand
    from landscape_cli.run.connect.pairs import PairsRun

    run = PairsRun(
        settings,
        request,
        executor.lead(lambda: expand(patterns, "--checkpoints")),
        folder,
        executor,
        points,
        align,
        [path],
        sys.argv,
        quiet,
    )
    outcome = run.compute(overwrite)
    executor.lead(lambda: _report_pairs(outcome, folder))
    return EXIT_RESUMABLE if outcome.stopped else 0


def _report_pairs(outcome: PairsOutcome, folder: Path) -> None:
    """Write the barriers and their picture, and print a table."""
    from landscape_cli.plotting.barriers import draw_barriers
    from landscape_cli.plotting.figure_files import save
    from landscape_cli.store.atomic_write import publish_text

    barriers = outcome.barriers
    if outcome.stopped:
        say(f"stopped by {outcome.stopped}; the same command continues: {same_command()}")
    if not barriers.heights:
        return
    publish_text(folder / "barriers.json", json.dumps(barriers.as_mapping(), indent=1) + "\n")
    save(draw_barriers(barriers), folder / "barriers.png", 200)
    say(*_table(barriers), f"wrote {folder / 'barriers.json'}", f"wrote {folder / 'barriers.png'}")


def _table(barriers: Barriers) -> list[str]:
    """Format a line for each pair, with the barrier of the first quantity by way."""
    from itertools import combinations

    split, name = barriers.quantities[0]
    lines = [f"{split} {name} barrier"]
    for i, j in combinations(range(len(barriers.names)), 2):
        known = {
            way: table[split, name][i, j]
            for way, table in barriers.heights.items()
            if (split, name) in table
        }
        texts = [f"{way} {value:.4g}" for way, value in known.items() if value == value]
        lines.append(f"  {barriers.names[i]} to {barriers.names[j]}: {', '.join(texts) or 'none'}")
    return lines


def _refuse_ends(first: str | None, last: str | None, resume: bool) -> None:
    for name, value in (("--from", first), ("--to", last), ("--resume", resume or None)):
        if value is not None:
            raise UsageError(
                f"{name}: leave it out with --pairs, which connects every two of --checkpoints"
            )


def _refuse_patterns(patterns: tuple[str, ...]) -> None:
    if patterns:
        raise UsageError(
            f"--checkpoints {patterns[0]}: belongs to --pairs all; name two with --from and --to"
        )


def _ends(first: str | None, last: str | None) -> tuple[CheckpointPath, CheckpointPath]:
    from landscape_cli.records.checkpoint_path import CheckpointPath

    paths = []
    for name, value in (("--from", first), ("--to", last)):
        if value is None:
            raise UsageError(f"{name}: name the checkpoint at this end of the curve, such as a.pt")
        try:
            paths.append(CheckpointPath.parse(value))
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from None
    return paths[0], paths[1]


def _request(options: dict[str, Any]) -> Request:
    from landscape_cli.run.connect.request import Request

    return Request(**options)


def _output(
    settings: RunConfig, ends: tuple[CheckpointPath, CheckpointPath], given: str | None
) -> Path:
    if given is not None:
        return Path(given).absolute()
    name = "-".join(one.stem.replace("::", "_") for one in ends)
    return Path(settings.output).absolute().with_name(f"{name}.curve.h5")


def _report(outcome: ConnectOutcome) -> None:
    from landscape_cli.cli.curve_summary import curve_lines

    if outcome.stopped:
        say(
            f"wrote {outcome.path}",
            f"stopped by {outcome.stopped}; the same command continues: {same_command()}",
        )
    elif not outcome.computed:
        say(
            f"{outcome.path} is complete with these settings; nothing to do "
            "(--overwrite trains it again)"
        )
    else:
        say(*curve_lines(outcome.record), f"wrote {outcome.path}")
