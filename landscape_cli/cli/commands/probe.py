"""``landscape probe``: which range suits each direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from landscape_cli.cli.options import (
    debug_option,
    device_options,
    log_options,
    set_option,
    weights_options,
)
from landscape_cli.parallel.launcher import launched_rank
from landscape_cli.util import logs

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig
    from landscape_cli.run import Probe

EXAMPLES = """\b
Examples:
  landscape probe configs/digits_resnet56.yaml
  mpiexec -n 4 landscape probe configs/digits_resnet56.yaml --set directions.x.normalize=none
"""


@click.command(epilog=EXAMPLES)
@click.argument("config")
@weights_options
@device_options
@click.option(
    "--samples", type=click.IntRange(min=1), metavar="N", help="Evaluate N samples of each split."
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
    """Evaluate 11 points along each direction of the YAML file CONFIG, and propose a range.

    The points lie on a logarithmic ladder on both sides of the centre. Nothing is written.
    `landscape compute --x auto` does the same and goes on with the range. Under mpiexec or srun the
    ranks share the points.
    """
    logs.begin(launched_rank() or 0, verbose)
    from landscape_cli.cli.run_preparation import prepare_run
    from landscape_cli.run import probe

    options = {"checkpoint": checkpoint, "device": device, "threads": threads, "samples": samples}
    executor, settings = prepare_run(config, changes, options, {}, seed, log_dir)
    found = probe(settings, executor)
    if executor.rank == 0:
        print("\n".join(_lines(found, settings, config)), flush=True)


def _lines(found: list[Probe], settings: RunConfig, config: str) -> list[str]:
    """Draw a small plot of each direction, and show the command that uses the ranges."""
    import shlex

    from landscape_cli.geometry.directions import direction_from
    from landscape_cli.run.probe.ladder import draw

    lines, options = [], []
    for one in found:
        scale = "log" if one.ladder.log else "linear"
        section = settings.directions[one.axis]
        points = direction_from(section, f"directions.{one.axis}").auto_points
        options.append(f"--{one.axis}={one.low:g}:{one.high:g}:{points}")
        lines += [
            f"{one.axis}: {one.label}; {' '.join(one.quantity)} on a {scale} scale",
            *draw(one.ladder),
            f"range {one.low:g} to {one.high:g}, {one.rule}"
            + ("; a log scale is due over the whole ladder" if one.ladder.log else ""),
            "",
        ]
    return [*lines, f"landscape compute {shlex.quote(config)} {' '.join(options)}"]
