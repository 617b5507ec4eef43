"""``landscape slurm``: a batch script for `landscape compute`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landscape_cli.cli.help_sections import Section, SectionCommand
from landscape_cli.cli.options import debug_option

if TYPE_CHECKING:
    from landscape_cli.config.run_config import RunConfig

RESOURCES = Section("Resources")
QUEUE = Section("Queue and names")
RANKS = Section("Starting the ranks")

EXAMPLES = """\b
Examples:
  landscape slurm configs/digits_resnet56.yaml --nodes 2 --ntasks-per-node 8 | sbatch
  landscape slurm run.yaml --gpus-per-task 1 --time 2:00:00 --partition gpu > job.sh
  landscape slurm run.yaml --array 16 --time 4:00:00 -- --x -1:1:401 --samples 5000 | sbatch
"""

COUNT = click.IntRange(min=1)


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@click.argument("options", nargs=-1, metavar="[-- COMPUTE OPTIONS]")
@RESOURCES.option("--nodes", type=COUNT, default=1, help="Nodes (1).")
@RESOURCES.option(
    "--ntasks-per-node",
    "tasks",
    type=COUNT,
    default=1,
    help="Ranks on each node (1).",
)
@RESOURCES.option("--cpus-per-task", "cpus", type=COUNT, help="Cores of each rank.")
@RESOURCES.option(
    "--gpus-per-task",
    "gpus",
    type=COUNT,
    help="GPUs of each rank; 1 is what it uses.",
)
@RESOURCES.option(
    "--time",
    metavar="TIME",
    help="The job's time limit; estimated here, which takes a few points, if left out.",
)
@RESOURCES.option(
    "--array",
    type=COUNT,
    metavar="N",
    help="N shards, each a task of a job array.",
)
@QUEUE.option("--partition", metavar="NAME", help="Slurm's partition.")
@QUEUE.option("--account", metavar="NAME", help="The account to charge.")
@QUEUE.option("--job-name", "name", metavar="NAME", help="The output's name if left out.")
@QUEUE.option(
    "--sbatch",
    "more",
    multiple=True,
    metavar="OPTION",
    help="Another #SBATCH option. Repeatable.",
)
@RANKS.option(
    "--launcher",
    type=click.Choice(["srun", "mpiexec"]),
    default="srun",
    help="Starts the ranks.",
)
@RANKS.option("--mpi", metavar="TYPE", help="srun's --mpi; by the MPI library if left out.")
@debug_option
def command(
    config: str,
    options: tuple[str, ...],
    nodes: int,
    tasks: int,
    cpus: int | None,
    gpus: int | None,
    time: str | None,
    partition: str | None,
    account: str | None,
    array: int | None,
    mpi: str | None,
    launcher: str,
    name: str | None,
    more: tuple[str, ...],
) -> None:
    """Print a Slurm batch script that computes the surface of the YAML file CONFIG.

    What follows a -- is passed on to `landscape compute`. The job stops before its time limit,
    requeues itself, and goes on, until the file is complete; so do the tasks of an array.
    """
    from landscape_cli.cli.slurm_script import Job, script

    settings = _settings(config, options, array)
    if time is None:
        time, note = _estimated(settings, nodes * tasks, cpus, gpus, array)
    else:
        time, note = _checked(time), "as it was asked for"
    named = {"partition": partition, "account": account}
    wishes = [f"--{key}={value}" for key, value in named.items() if value is not None]
    job = Job(
        program=_program(),
        config=config,
        options=options,
        folder=str(Path.cwd()),
        output=settings.output,
        time=time,
        note=note,
        nodes=nodes,
        tasks=tasks,
        cpus=cpus,
        gpus=gpus,
        array=array,
        launcher=_launcher(launcher, mpi, nodes * tasks, cpus),
        settings=[*wishes, *more],
        name=name or Path(settings.output).stem,
    )
    print(script(job), end="")


def _settings(config: str, options: tuple[str, ...], array: int | None) -> RunConfig:
    """The configuration that `compute` makes of the options, refusing what a job can't have."""
    from landscape_cli.cli.commands.compute import command as compute
    from landscape_cli.errors import UsageError

    for option, reason in {
        "--overwrite": "each time the job is requeued it would begin anew; remove the old file",
        "--dry-run": "a job that computes nothing; run it here, without slurm",
        **({} if array is None else {"--shard": "--array gives each task its own; leave it out"}),
    }.items():
        if any(word == option or word.startswith(f"{option}=") for word in options):
            raise UsageError(f"{option}: {reason}")
    shard = [] if array is None else ["--shard", f"1/{array}"]
    found: list[RunConfig] = []
    compute.main([config, *options, *shard], standalone_mode=False, obj=found.append)
    if not found:
        raise UsageError(f"COMPUTE OPTIONS: {' '.join(options)!r} runs nothing; leave it out")
    return found[0]


def _estimated(
    settings: RunConfig, ranks: int, cpus: int | None, gpus: int | None, array: int | None
) -> tuple[str, str]:
    """The time limit, and how it was found."""
    from landscape_cli.cli.slurm_script import rounded_time
    from landscape_cli.config.durations import format_duration
    from landscape_cli.errors import UsageError
    from landscape_cli.evaluation.devices import choose_device
    from landscape_cli.parallel.serial import SerialExecutor
    from landscape_cli.run import estimate

    if gpus is not None and choose_device(settings.device, 0).type == "cpu":
        raise UsageError(
            f"--gpus-per-task {gpus}: there is no GPU here to estimate the time on; add --time"
        )
    if settings.threads is None:
        settings = settings.model_copy(update={"threads": cpus or 1})
    expected = estimate(settings, SerialExecutor())
    assert expected is not None
    seconds = expected.wall(ranks)
    work = f"{expected.points} points" + ("" if array is None else " of each shard")
    threads = f"{expected.threads} thread{'s' * (expected.threads > 1)}"
    return rounded_time(seconds), (
        f"{work} at {expected.seconds:.3g} s, as measured here on {expected.device} with "
        f"{threads}, take {format_duration(seconds)} on {ranks} rank{'s' * (ranks > 1)}; and half "
        "more, and five minutes"
    )


def _checked(time: str) -> str:
    """A time limit in Slurm's own form.

    Raises:
        UsageError: if it is no time.
    """
    from landscape_cli.config.durations import format_duration, parse_duration
    from landscape_cli.errors import UsageError

    try:
        return format_duration(parse_duration(time))
    except UsageError as error:
        raise UsageError(f"--time: {error}") from None


def _launcher(launcher: str, mpi: str | None, ranks: int, cpus: int | None) -> list[str]:
    """The words that start the ranks.

    Raises:
        UsageError: if it can't be known how srun starts ranks of the MPI library here.
    """
    from landscape_cli.cli.slurm_script import PMI, TASKS, srun
    from landscape_cli.errors import UsageError
    from landscape_cli.parallel.mpi_vendor import mpi_vendor

    if launcher == "mpiexec":
        if mpi is not None:
            raise UsageError(f"--mpi {mpi}: is an option of srun, not of mpiexec; leave it out")
        beside = Path(sys.executable).with_name("mpiexec")
        return [str(beside) if beside.exists() else "mpiexec", "-n", TASKS]
    if mpi is None:
        vendor = mpi_vendor()
        mpi = PMI.get(vendor or "", None if ranks > 1 else "none")
        if mpi is None:
            raise UsageError(
                f"--mpi: srun's way to start ranks of {vendor or 'no MPI library'} is not known; "
                "give it, see srun --mpi=list"
            )
    return srun(mpi, cpus)


def _program() -> list[str]:
    """The words that run this environment's `landscape`, from any folder."""
    beside = Path(sys.executable).with_name("landscape")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "landscape_cli"]
