"""``landscape sharpness``: measures of sharpness from the literature, of a network."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
    mean_options,
    set_option,
    time_limit_option,
)
from landscape_cli.cli.output import same_command, say, say_json
from landscape_cli.cli.run_preparation import begin_ranks, prepare_run
from landscape_cli.evaluation.sharpness import MEASURES, measure_class

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.records.sharpness import Sharpness
    from landscape_cli.run.sharpness.compute import SharpnessOutcome

WHAT = Section("What to compute")


def _definitions() -> str:
    """List definition, source and default radii of every measure."""
    lines = ["\b", "Measures, where L is the mean loss at weights w, and g its gradient:"]
    for name in MEASURES:
        kind = measure_class(name)
        radii = ", ".join(f"{radius:g}" for radius in kind.radii)
        lines += [
            f"  {name:<13} {kind.definition}",
            f"  {'':<13} {kind.source}; {kind.symbol} {radii}",
        ]
    return "\n".join(lines)


EXAMPLES = """\b
Examples:
  landscape sharpness run.yaml
  landscape sharpness run.yaml --measure sam --measure ascent --rho 0.05 --rho 0.1
  mpiexec -n 4 landscape sharpness run.yaml --samples 2000 --time-limit 55m
"""


@click.command(cls=SectionCommand, epilog=f"{_definitions()}\n\n{EXAMPLES}")
@click.argument("config")
@WHAT.option(
    "--measure",
    "measures",
    type=RegistryChoice(MEASURES),
    multiple=True,
    help="A measure, listed below; by default all. Repeatable.",
)
@WHAT.option(
    "--rho",
    "radii",
    type=float,
    multiple=True,
    metavar="R",
    help="Radius in place of each measure's own, where it is called rho. Repeatable.",
)
@WHAT.option(
    "--epsilon",
    "boxes",
    type=float,
    multiple=True,
    metavar="E",
    help="Size of keskar's box in place of its own. Repeatable.",
)
@WHAT.option(
    "--steps",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="Steps of an ascent to a largest loss, each a gradient and a loss.",
)
@WHAT.option(
    "--draws",
    type=click.IntRange(min=2),
    default=100,
    show_default=True,
    metavar="N",
    help="Random offsets of a mean, in pairs of opposite ones.",
)
@WHAT.option(
    "--checkpoint",
    metavar="PATH[::KEY]",
    help="The trained weights: a file or folder, and the key of the entry if it has several.",
)
@set_option
@mean_options
@NUMBERS.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=1,
    show_default=True,
    metavar="N",
    help="Seed of random offsets.",
)
@device_options
@time_limit_option
@RUNNING.option("--overwrite", is_flag=True, help="Recompute everything, even if OUTPUT exists.")
@LOGS.option(
    "--output",
    "-o",
    metavar="FILE.json",
    help="The file to write; by default CONFIG's output with the extension .sharpness.json.",
)
@LOGS.option("--json", "as_json", is_flag=True, help="Print the file's content.")
@LOGS.option("--quiet", "-q", is_flag=True, help="Show neither settings nor progress.")
@log_options
@debug_option
def command(
    config: str,
    measures: tuple[str, ...],
    radii: tuple[float, ...],
    boxes: tuple[float, ...],
    steps: int,
    draws: int,
    checkpoint: str | None,
    changes: tuple[str, ...],
    samples: int | None,
    split: str | None,
    quantity: str | None,
    seed: int,
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
    """Compute measures of sharpness of CONFIG's network.

    Under mpiexec or srun, all ranks share the samples; the numbers are the same bits on any number
    of them. A file that has some of the measures gets the others. Largest rises are those that an
    ascent finds: lower bounds.
    """
    begin_ranks(verbose)
    from landscape_cli.evaluation.sharpness.base import Settings
    from landscape_cli.run.sharpness.compute import SharpnessRun
    from landscape_cli.run.sharpness.request import Request, choose_keys

    given = {
        "checkpoint": checkpoint,
        "device": device,
        "threads": threads,
        "time_limit": time_limit,
    }
    executor, settings = prepare_run(config, changes, given, {}, None, log_dir)
    splits = settings.splits or ["train"]
    request = executor.lead(
        lambda: Request(
            choose_keys(measures, radii, boxes),
            Settings(steps, draws, seed),
            split or splits[0],
            samples or settings.samples,
            quantity,
        )
    )
    path = _output(settings, output)
    run = SharpnessRun(settings, request, path, executor, [config], sys.argv, quiet)
    outcome = run.compute(overwrite)
    if executor.rank == 0:
        _report(outcome, as_json)
    return EXIT_RESUMABLE if outcome.stopped else 0


def _output(settings: RunConfig, given: str | None) -> Path:
    beside = Path(settings.output).absolute()
    return (
        beside.with_name(f"{beside.stem}.sharpness.json")
        if given is None
        else Path(given).absolute()
    )


def _report(outcome: SharpnessOutcome, as_json: bool) -> None:
    from landscape_cli.store.reports.sharpness_file import sharpness_facts

    record = outcome.record
    if record is not None:
        if as_json:
            say_json(sharpness_facts(record))
            return
        say(*_table(record))
    if outcome.stopped:
        say(f"stopped by {outcome.stopped}; the same command continues: {same_command()}")
    elif outcome.computed:
        say(f"wrote {outcome.path}")
    else:
        say(f"{outcome.path} has all of this; nothing to do (--overwrite recomputes it)")


def _table(record: Sharpness) -> list[str]:
    """Format the numbers as a table, with remarks below."""
    rows = [
        (
            entry.title,
            f"{entry.symbol} {entry.radius:g}",
            f"{entry.value:.6g}" + ("" if entry.stderr is None else f" ± {entry.stderr:.2g}"),
        )
        for entry in record.entries
    ]
    notes = [f"{entry.title}: {entry.note}" for entry in record.entries if entry.note]
    head = f"loss {record.loss:.6g}, norm of its gradient {record.gradient_norm:.4g}"
    return [head, *_aligned(rows), *dict.fromkeys(notes)]


def _aligned(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    return [f"{name:<{widths[0]}}  {radius:<{widths[1]}}  {value}" for name, radius, value in rows]
