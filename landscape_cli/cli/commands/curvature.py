"""``landscape curvature``: the spectrum of the Hessian, or of a matrix like it, at checkpoints."""

from __future__ import annotations

import sys
from datetime import timedelta
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
    mean_options,
    set_option,
    time_limit_option,
)
from landscape_cli.cli.output import same_command, say
from landscape_cli.cli.run_preparation import begin_ranks, prepare_run
from landscape_cli.errors import UsageError
from landscape_cli.evaluation.derivatives.matrices import MATRICES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.records.checkpoint_path import CheckpointPath
    from landscape_cli.run.curvature.compute import CurvatureRun
    from landscape_cli.run.curvature.estimate import CurvatureEstimate
    from landscape_cli.run.curvature.opening import Dates, Dating
    from landscape_cli.run.curvature.request import Request

MEBIBYTE = 1 << 20

WHAT = Section("What to compute")
WHERE = Section("Network and checkpoints")

EXAMPLES = """\b
Examples:
  landscape curvature run.yaml --top 10 --trace 60 --density 4x80
  landscape curvature run.yaml --checkpoints 'runs/net_epochs/*.pt' --log runs/log.csv --top 3
  mpiexec -n 4 landscape curvature run.yaml --matrix ggn --blocks 'layer1.*,fc'
"""


class Density(click.ParamType):  # type: ignore[type-arg]
    """``DRAWSxSTEPS``."""

    name = "DRAWSxSTEPS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return both numbers."""
        if isinstance(value, tuple):
            return value
        draws, _, steps = str(value).partition("x")
        if not (draws.isdigit() and steps.isdigit() and int(draws) and int(steps)):
            self.fail(f"got {value!r}, expected DRAWSxSTEPS such as 4x80", param, ctx)
        return int(draws), int(steps)


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@WHAT.option(
    "--matrix",
    type=RegistryChoice(MATRICES),
    default="hessian",
    show_default=True,
    help="hessian of the mean loss; ggn: the generalized Gauss-Newton matrix; fisher: the "
    "empirical Fisher matrix, the second moment of the samples' gradients.",
)
@WHAT.option(
    "--top",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="K",
    help="Number of largest eigenvalues, with their eigenvectors.",
)
@WHAT.option(
    "--bottom",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="K",
    help="Number of smallest eigenvalues.",
)
@WHAT.option(
    "--steps",
    type=click.IntRange(min=2),
    metavar="N",
    help="Lanczos steps for the eigenvalues, of one product each; by default 2K + 20 for K of "
    "them, at least 60.",
)
@WHAT.option(
    "--trace",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Estimate the trace, with its standard error, from N random vectors.",
)
@WHAT.option(
    "--density",
    type=Density(),
    help="Spectral density, from DRAWS random vectors with STEPS products each, such as 4x80.",
)
@WHAT.option(
    "--blocks",
    metavar="PATTERN,...",
    help="Also the largest eigenvalues of diagonal blocks, and with --trace their traces: for each "
    "pattern, of the parameters that match it, such as 'layer1.*,fc'.",
)
@WHERE.option(
    "--checkpoints",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    help="Checkpoints in place of CONFIG's: a recording, file or folder, or a quoted pattern, "
    "sorted naturally, epoch9 before epoch10; PATTERN::KEY takes this entry of each. Repeatable.",
)
@WHERE.option(
    "--log",
    metavar="FILE",
    help="Learning rates of the training run: a CSV file with columns epoch and lr (or "
    "learning_rate), or JSON lines with these keys.",
)
@set_option
@mean_options
@NUMBERS.option(
    "--seed", type=int, default=1, show_default=True, metavar="N", help="Seed of random vectors."
)
@device_options
@time_limit_option
@RUNNING.option("--resume", is_flag=True, help="Continue OUTPUT; an error if it does not exist.")
@RUNNING.option("--overwrite", is_flag=True, help="Recompute everything, even if OUTPUT exists.")
@RUNNING.option(
    "--dry-run", is_flag=True, help="Estimate time, memory and disk space, and write nothing."
)
@LOGS.option(
    "--output",
    "-o",
    metavar="FILE.h5",
    help="The file to write; by default CONFIG's output with the extension .curvature.h5.",
)
@LOGS.option("--quiet", "-q", is_flag=True, help="Show neither settings nor progress.")
@log_options
@debug_option
def command(
    config: str,
    changes: tuple[str, ...],
    patterns: tuple[str, ...],
    log: str | None,
    output: str | None,
    resume: bool,
    overwrite: bool,
    dry_run: bool,
    quiet: bool,
    verbose: bool,
    log_dir: str | None,
    **options: Any,
) -> int:
    """Compute the curvature of the loss at CONFIG's network.

    Eigenvalues at both ends of the spectrum come with residuals, within each of which lies an
    eigenvalue. Under mpiexec or srun, all ranks share the samples; the numbers are the same bits
    on any number of them. An incomplete file is continued, in the midst of a stage as well.

    The eigenvectors in the file are directions: {kind: eigenvector, path: FILE.h5, index: 1}.
    """
    begin_ranks(verbose)
    from landscape_cli.problems.checkpoint_files import expand
    from landscape_cli.run.curvature.compute import CurvatureRun

    given = {key: options.pop(key) for key in ("device", "threads", "time_limit")}
    executor, settings = prepare_run(config, changes, given, {}, None, log_dir)
    request, paths = executor.lead(
        lambda: (
            _request(settings, options),
            expand(patterns, "--checkpoints") if patterns else [],
        )
    )
    dating = executor.lead(lambda: _check_log(log, bool(paths)))
    run = CurvatureRun(
        settings,
        request,
        paths,
        _output(settings, output),
        executor,
        _dating(dating),
        [config, *filter(None, [log])],
        sys.argv,
        quiet,
    )
    return _estimate(run) if dry_run else _compute(run, overwrite, resume)


def _compute(run: CurvatureRun, overwrite: bool, resume: bool) -> int:
    from landscape_cli.cli.curvature_summary import curvature_lines

    outcome = run.compute(overwrite, resume)
    if run.executor.rank == 0:
        if outcome.stopped:
            say(
                f"wrote {outcome.path}",
                f"stopped by {outcome.stopped}; the same command continues: {same_command()}",
            )
        elif not outcome.computed:
            say(
                f"{outcome.path} is complete with these settings; nothing to do "
                "(--overwrite recomputes it)"
            )
        elif outcome.record is not None:
            say(*curvature_lines(outcome.record), f"wrote {outcome.path}")
    return EXIT_RESUMABLE if outcome.stopped else 0


def _estimate(run: CurvatureRun) -> int:
    from landscape_cli.run.curvature.estimate import estimate

    expected = estimate(run)
    if expected is not None:
        say(*_estimate_lines(expected))
    return 0


def _estimate_lines(expected: CurvatureEstimate) -> list[str]:
    total = timedelta(seconds=round(expected.products * expected.seconds))
    ratio = expected.seconds / expected.forward if expected.forward > 0 else 0.0
    return [
        f"matrix:     {expected.parameters:,} rows, {_counted(expected.checkpoints, 'checkpoint')}",
        f"products:   {expected.products}",
        f"a product:  {expected.seconds:.3g} s on {_counted(expected.ranks, 'rank')}, {ratio:.1f} "
        "times as long as the loss",
        f"wall time:  {total}",
        f"memory:     {expected.vectors / MEBIBYTE:.1f} MiB for vectors on rank 0, or less if it "
        "has no room",
        f"files:      {expected.file / MEBIBYTE:.1f} MiB, and {expected.log / MEBIBYTE:.1f} MiB "
        "beside it while it computes",
        "nothing was written",
    ]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + "s" * (count != 1)


def _request(settings: RunConfig, options: dict[str, Any]) -> Request:
    from landscape_cli.run.curvature.request import Request

    draws, steps = options["density"] or (0, 0)
    blocks = [one.strip() for one in (options["blocks"] or "").split(",")]
    if options["blocks"] is not None and not all(blocks):
        raise UsageError(
            f"--blocks: got {options['blocks']!r}, expected patterns such as 'layer1.*,fc'"
        )
    splits = settings.splits or ["train"]
    return Request(
        matrix=options["matrix"],
        top=options["top"],
        bottom=options["bottom"],
        steps=options["steps"],
        trace=options["trace"],
        draws=draws,
        density_steps=steps,
        blocks=tuple(filter(None, blocks)),
        split=options["split"] or splits[0],
        samples=options["samples"] or settings.samples,
        quantity=options["quantity"],
        seed=options["seed"],
    )


def _output(settings: RunConfig, given: str | None) -> Path:
    beside = Path(settings.output).absolute()
    name = f"{beside.stem}.curvature.h5"
    return beside.with_name(name) if given is None else Path(given).absolute()


def _check_log(log: str | None, several: bool) -> dict[int, float] | None:
    from landscape_cli.tracing.learning_rates import read_rates

    if log is None:
        return None
    if not several:
        raise UsageError(f"--log {log}: needs --checkpoints, whose epochs it is looked up for")
    return read_rates(log)


def _dating(rates: dict[int, float] | None) -> Dating:
    from landscape_cli.tracing.checkpoint_names import epochs
    from landscape_cli.tracing.learning_rates import of_checkpoints

    def find(paths: Sequence[CheckpointPath], stored: Sequence[object]) -> Dates:
        known = epochs(paths, stored)
        return known, of_checkpoints(paths, known, rates)

    return find
