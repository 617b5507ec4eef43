"""``landscape compute``: evaluate a grid of points and write a surface file."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from landscape_cli.cli.error_report import EXIT_FAILED, EXIT_RESUMABLE
from landscape_cli.cli.help_sections import SectionCommand
from landscape_cli.cli.options import (
    LOGS,
    NUMBERS,
    POINTS,
    RUNNING,
    SPEED,
    RegistryChoice,
    debug_option,
    device_options,
    log_options,
    set_option,
    weights_options,
)
from landscape_cli.cli.output import same_command, say
from landscape_cli.cli.run_preparation import begin_ranks, prepare_run
from landscape_cli.errors import visible
from landscape_cli.evaluation.measures import MEASURES

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.run import Estimate, Outcome
    from landscape_cli.run.watch import Ending

MEBIBYTE = 1 << 20
RANKS = (1, 2, 4, 8, 16, 32, 64)

EXAMPLES = """\b
Examples:
  landscape compute configs/digits_resnet44.yaml
  landscape compute configs/digits_resnet44.yaml --x -1:1:51 --y none -o line.h5
  mpiexec -n 4 landscape compute configs/digits_resnet44.yaml --set directions.x.seed=3
"""

FAST = {"adaptive.tolerance": 0.01, "sampling": 0.005, "precision": "auto"}
"""What ``--fast`` stands for, by configuration key."""


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@POINTS.option(
    "--x",
    metavar="MIN:MAX:N",
    help="Range of the first direction; 'auto' or 'auto:N' finds it as `landscape probe` does.",
)
@POINTS.option(
    "--y",
    metavar="MIN:MAX:N",
    help="Range of the second direction, in the same form; 'none' makes it a line.",
)
@POINTS.option(
    "--z",
    metavar="MIN:MAX:N",
    help="Range of the third direction, for a volume; 'none' drops it.",
)
@POINTS.option(
    "--repeats",
    type=click.IntRange(min=1),
    metavar="N",
    help="Compute N slices with the same ranges, each in independent random directions.",
)
@POINTS.option(
    "--adaptive",
    type=float,
    metavar="TOL",
    help="Compute only points where interpolation from a coarser grid errs by more than TOL times "
    "the range of the loss, such as 0.01.",
)
@POINTS.option(
    "--fast",
    is_flag=True,
    help="The same as --adaptive 0.01 --sampling 0.005 --precision auto, each unless given "
    "otherwise. Errors are measured and stated.",
)
@weights_options
@POINTS.option(
    "--include",
    multiple=True,
    metavar="PATTERN",
    help="Move only parameters of this name, such as 'layer1.*', or role: trainable, frozen, "
    "embeddings, norms; with all directions. Repeatable.",
)
@POINTS.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave parameters of this name or role fixed, such as embeddings, which are the tables of "
    "tokens and positions and heads tied to them. Repeatable.",
)
@set_option
@NUMBERS.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Evaluate N samples of each split, stratified by class and the same at every point.",
)
@NUMBERS.option(
    "--target-stderr",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Choose the number of samples so that the mean of the objective's first value has a "
    "standard error of at most S at the centre and all corners.",
)
@NUMBERS.option(
    "--sampling",
    type=float,
    metavar="TOL",
    help="Evaluate each point on as many samples as it needs for a standard error below TOL times "
    "the range of the loss, such as 0.005.",
)
@NUMBERS.option(
    "--measure",
    "measures",
    multiple=True,
    type=RegistryChoice(MEASURES),
    help="Also compute numbers of each point besides the objective's means, such as gradient: the "
    "gradient's norm and the surface's slopes along the axes. Repeatable.",
)
@NUMBERS.option(
    "--curvature",
    metavar="MEASURES",
    help="Also compute the curvature at each point: extremes (the largest and smallest eigenvalue "
    "of the Hessian), plane (the Hessian along the axes), gradient, or several with commas; the "
    "section curvature of CONFIG has samples and steps. Slow: extremes costs some 500 forward "
    "passes a point.",
)
@NUMBERS.option(
    "--quantize",
    "bits",
    type=click.IntRange(1, 16),
    metavar="BITS",
    help="Round the weights of each point to BITS bits per filter, such as 8, 4, 3, 2 or 1, on a "
    "grid whose scale is fixed at the centre: the surface of the quantized network. Biases and "
    "norms keep full precision.",
)
@NUMBERS.option(
    "--precision",
    type=click.Choice(["fp32", "tf32", "bf16", "fp16", "auto"]),
    help="Numerical precision; the deviation from fp32 is measured and reported. Where bf16 or "
    "fp16 is slower than fp32, fp32 is used. auto: bf16 where it is faster and differs by less "
    "than a picture shows, else fp32.",
)
@NUMBERS.option(
    "--even-if-slower", is_flag=True, help="Use --precision even where it is slower than fp32."
)
@NUMBERS.option(
    "--allow-random",
    is_flag=True,
    help="Accept an objective whose values vary from call to call.",
)
@NUMBERS.option(
    "--allow-flat",
    is_flag=True,
    help="Accept a direction that moves only parameters without effect on the values.",
)
@device_options
@SPEED.option(
    "--ranks-per-model",
    type=click.IntRange(min=1),
    metavar="G",
    help="Divide each model among G neighbouring ranks, which evaluate each point together, for "
    "models larger than one device.",
)
@SPEED.option(
    "--directions",
    "keep_directions",
    type=click.Choice(["resident", "streamed", "auto"]),
    help="Keep directions in memory (resident) or regenerate them at each point (streamed), which "
    "is slower and gives the same values.",
)
@SPEED.option(
    "--cache",
    type=click.Choice(["auto", "device", "host", "none"]),
    help="Where samples are kept; auto: wherever they fit; none: read again for each tile.",
)
@SPEED.option(
    "--calibrate/--no-calibrate",
    default=None,
    help="Before a long run, measure which forward pass is fastest (the default). Calibrated runs "
    "may differ by rounding; --no-calibrate makes them reproducible.",
)
@SPEED.option(
    "--compile",
    type=click.Choice(["auto", "on", "off"]),
    help="Compile the model with torch.compile: on wherever it works, auto only if calibration of "
    "a very long run finds it faster.",
)
@RUNNING.option(
    "--shard",
    metavar="I/N",
    help="Compute only every N-th point, starting with the I-th, into OUTPUT's .shard-I-of-N.h5; "
    "`landscape merge` joins them. Shards are not calibrated, so their bits are those of a whole "
    "run with --no-calibrate.",
)
@RUNNING.option(
    "--time-limit",
    metavar="TIME",
    help="Stop within this time, such as 55m or 1:30:00, with exit code 75; the same command "
    "resumes. The end of a Slurm job is respected without it. A point that hangs is given up a few "
    "seconds later.",
)
@RUNNING.option("--resume", is_flag=True, help="Continue OUTPUT; an error if it does not exist.")
@RUNNING.option(
    "--overwrite",
    is_flag=True,
    help="Recompute everything, even if OUTPUT exists.",
)
@RUNNING.option(
    "--keep-going",
    is_flag=True,
    help="Mark points where the objective fails and continue; the exit code is then 1.",
)
@RUNNING.option(
    "--dry-run", is_flag=True, help="Estimate time, memory and disk space, and write nothing."
)
@LOGS.option("--output", "-o", metavar="FILE.h5", help="The surface file to write.")
@LOGS.option("--quiet", "-q", is_flag=True, help="Show neither settings nor progress.")
@log_options
@debug_option
def command(
    config: str,
    x: str | None,
    y: str | None,
    z: str | None,
    seed: int | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    adaptive: float | None,
    fast: bool,
    measures: tuple[str, ...],
    curvature: str | None,
    bits: int | None,
    changes: tuple[str, ...],
    overwrite: bool,
    resume: bool,
    keep_going: bool,
    allow_random: bool,
    even_if_slower: bool,
    allow_flat: bool,
    dry_run: bool,
    quiet: bool,
    verbose: bool,
    log_dir: str | None,
    **options: Any,
) -> int:
    """Compute the surface that the YAML file CONFIG describes.

    Under mpiexec or srun, all ranks share the work and rank 0 writes the file; otherwise one
    process does it all. An incomplete file with the same configuration is continued, a complete one
    is left as it is, and any other is only replaced with --overwrite.
    """
    begin_ranks(verbose)
    from landscape_cli.config.overrides import parse_changes
    from landscape_cli.run import compute, estimate
    from landscape_cli.run.output_check import refuse_config

    # The remaining options have the names of the configuration keys that they change.
    options |= {
        "directions.*.include": list(include) or None,
        "directions.*.exclude": list(exclude) or None,
        "adaptive.tolerance": adaptive,
        "measures": list(measures) or None,
        "curvature.measures": curvature,
        "quantize.bits": bits,
        "keep_going": keep_going or None,
        "allow_random": allow_random or None,
        "even_if_slower": even_if_slower or None,
        "allow_flat": allow_flat or None,
    }
    given = parse_changes(changes)
    for key, value in FAST.items() if fast else ():
        if options.get(key) is None and not any(one.startswith(key) for one in given):
            options[key] = value
    ranges = {"x": x, "y": y, "z": z}
    executor, settings = prepare_run(config, changes, options, ranges, seed, log_dir)
    executor.lead(lambda: refuse_config(settings, config))
    if (receive := click.get_current_context().obj) is not None:  # called by `landscape slurm`
        receive(settings)
        return 0
    if dry_run:
        expected = estimate(settings, executor)
        if expected:
            _print_estimate(expected, settings)
        return 0
    outcome = compute(settings, executor, overwrite, resume, sys.argv, quiet, end=print_ending)
    if executor.rank == 0:
        _print_outcome(outcome)
    if outcome.stopped:
        return EXIT_RESUMABLE
    return EXIT_FAILED if outcome.failed else 0


def _print_outcome(outcome: Outcome) -> None:
    """Print which files were written, and how to continue an unfinished run."""
    if outcome.stopped:
        say(
            f"wrote {outcome.surface}",
            f"stopped by {outcome.stopped} with {outcome.left} points left to do; the same command "
            f"continues: {same_command()}",
        )
    elif outcome.computed:
        written = [path for path in (outcome.surface, outcome.directions) if path is not None]
        say(*(f"wrote {path}" for path in written))
        if outcome.failed:
            say(
                f"{outcome.failed} points failed, the first with {outcome.failure}; the same "
                "command retries them"
            )
    else:
        say(
            f"{outcome.surface} is complete with this configuration; nothing to do "
            "(--overwrite recomputes it)"
        )


def print_ending(ending: Ending) -> None:
    """Print why a run is ended in the midst of its work, and how to continue it."""
    if ending.what:
        print(f"landscape: {visible(ending.what)}; ending all ranks", file=sys.stderr)
    left = "during set-up" if ending.left is None else f"with {ending.left} points left to do"
    cause = f"stopped by {ending.reason}" if ending.reason else "failed"
    say(f"{cause} {left}; the same command continues: {same_command()}")


def _product_lines(expected: Estimate) -> list[str]:
    """Count the products with the Hessian, if there are any."""
    if not expected.products:
        return []
    total = expected.products * expected.points
    return [f"products:   {expected.products} with the Hessian a point, {total} in all"]


def _rounding_lines(settings: RunConfig) -> list[str]:
    """Say what is rounded at each point, if anything is."""
    return [] if settings.quantize is None else [f"quantized:  {settings.quantize.words()}"]


def _print_estimate(expected: Estimate, settings: RunConfig) -> None:
    """Print the estimated cost of a run."""
    unit = "core" if expected.device == "cpu" else "GPU"
    walls = (
        f"{ranks}: {timedelta(seconds=round(expected.wall(ranks)))}"
        for ranks in RANKS
        if ranks <= expected.points
    )
    size = expected.ranks_per_model
    who = "ranks" if size == 1 else f"groups of {size} ranks"
    files = (expected.surface / MEBIBYTE, expected.directions / MEBIBYTE)
    say(
        f"points:     {expected.points}",
        *_product_lines(expected),
        *_rounding_lines(settings),
        f"one point:  {expected.seconds:.3g} s on {expected.device}, threads: {expected.threads}",
        f"in all:     {expected.hours:.3g} {unit}-hours",
        f"wall time:  {', '.join(walls)} (by {who} like this one)",
        f"memory:     {expected.memory / MEBIBYTE:.0f} MiB for each rank",
        f"files:      {files[0]:.2f} MiB surface, {files[1]:.2f} MiB directions",
        "nothing was written",
    )
