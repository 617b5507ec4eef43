"""``landscape probe``: propose a range for each direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from landscape_cli.cli.guardian import guard
from landscape_cli.cli.options import (
    debug_option,
    device_options,
    log_options,
    set_option,
    weights_options,
)
from landscape_cli.cli.output import say
from landscape_cli.parallel.launcher import launched_rank
from landscape_cli.util import logs

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.run import Probe

EXAMPLES = """\b
Examples:
  landscape probe configs/digits_resnet44.yaml
  mpiexec -n 4 landscape probe configs/digits_resnet44.yaml --set directions.x.normalize=none
"""


@click.command(epilog=EXAMPLES)
@click.argument("config")
@weights_options
@device_options
@click.option(
    "--samples",
    type=click.IntRange(min=1),
    metavar="N",
    help="Evaluate N samples of each split, stratified by class.",
)
@set_option
@log_options
@debug_option
def command(
    config: str,
    checkpoint: str | None,
    seed: int | None,
    device: str | None,
    threads: int | None,
    samples: int | None,
    changes: tuple[str, ...],
    verbose: bool,
    log_dir: str | None,
) -> None:
    """Propose a range for each direction of the YAML file CONFIG.

    Evaluates 11 points along each direction, spaced logarithmically on both sides of the centre,
    and writes no file. `landscape compute --x auto` does the same and then uses the range. Under
    mpiexec or srun, the ranks share the points.
    """
    rank = launched_rank()
    if rank is not None:
        guard(rank)
    logs.begin(rank or 0, verbose)
    from landscape_cli.cli.run_preparation import prepare_run
    from landscape_cli.run import probe

    options = {"checkpoint": checkpoint, "device": device, "threads": threads, "samples": samples}
    executor, settings = prepare_run(config, changes, options, {}, seed, log_dir)
    probes = probe(settings, executor, announce=True)
    if executor.rank == 0:
        say(*_lines(probes, settings, config))


def _lines(probes: list[Probe], settings: RunConfig, config: str) -> list[str]:
    """Draw a small plot of each direction, and print the command that uses the ranges."""
    import shlex

    from landscape_cli.run.probe.known_ranges import points_of_axis
    from landscape_cli.run.probe.ladder import draw

    lines, options = [], []
    for probe in probes:
        scale = "log" if probe.ladder.log else "linear"
        points = points_of_axis(settings, probe.axis)
        options.append(f"--{probe.axis}={probe.low:g}:{probe.high:g}:{points}")
        lines += [
            f"{probe.axis}: {probe.label}; {' '.join(probe.quantity)} on a {scale} scale",
            *draw(probe.ladder),
            f"range {probe.low:g} to {probe.high:g}, {probe.rule}"
            + ("; the whole ladder calls for a log scale" if probe.ladder.log else ""),
            "",
        ]
    return [*lines, f"landscape compute {shlex.quote(config)} {' '.join(options)}"]
