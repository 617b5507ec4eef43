"""``landscape doctor``: check that this machine or job can run `landscape compute`."""

from __future__ import annotations

import click

from landscape_cli.cli.error_report import EXIT_FAILED
from landscape_cli.cli.options import DEVICE_HELP, debug_option
from landscape_cli.cli.output import say
from landscape_cli.parallel.launcher import launched_rank, speaks
from landscape_cli.util import logs

EXAMPLES = """\b
Examples:
  landscape doctor
  mpiexec -n 4 landscape doctor /scratch/surfaces --device cuda
  mpiexec -n 4 landscape doctor --ranks-per-model 2
"""


@click.command(epilog=EXAMPLES)
@click.argument("folder", default=".")
@click.option("--device", default="auto", metavar="DEVICE", help=f"{DEVICE_HELP} By default auto.")
@click.option(
    "--ranks-per-model",
    type=click.IntRange(min=1),
    default=1,
    metavar="G",
    help="Also divide a small network among each G neighbouring ranks.",
)
@debug_option
def command(folder: str, device: str, ranks_per_model: int) -> int:
    """Check MPI, devices, memory, and that FOLDER can be written.

    Prints one line per check: ok, warning or error, the result, and a remedy. Start it with mpiexec
    or srun just like a run, to check that run's ranks, devices and network. FOLDER is the current
    folder by default. The exit code is 1 if there is an error.
    """
    logs.begin(launched_rank() or 0, False)
    from pathlib import Path

    from landscape_cli.run.doctor.examination import examine

    executor, checks = examine(Path(folder), device, ranks_per_model)
    if executor.rank == 0 and speaks():
        for check in checks:
            remedy = f"; {check.remedy}" if check.remedy else ""
            say(f"{check.state:<8} {check.name:<10} {check.detail}{remedy}")
    return EXIT_FAILED if any(check.state == "error" for check in checks) else 0
