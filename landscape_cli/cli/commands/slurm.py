"""``landscape slurm``: print a batch script for `landscape compute`."""

from __future__ import annotations

import sys
from dataclasses import replace
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
  landscape slurm configs/digits_resnet44.yaml --nodes 2 --ntasks-per-node 8 | sbatch
  landscape slurm run.yaml --gpus-per-task 1 --time 2:00:00 --partition gpu > job.sh
  landscape slurm run.yaml --array 16 --time 4:00:00 -- --x -1:1:401 --samples 5000 | sbatch
"""

COUNT = click.IntRange(min=1)


@click.command(cls=SectionCommand, epilog=EXAMPLES)
@click.argument("config")
@click.argument("options", nargs=-1, metavar="[-- COMPUTE OPTIONS]")
@RESOURCES.option(
    "--nodes", type=COUNT, metavar="N", default=1, help="Number of nodes; by default 1."
)
@RESOURCES.option(
    "--ntasks-per-node",
    "tasks",
    type=COUNT,
    metavar="N",
    default=1,
    help="Ranks per node; by default 1.",
)
@RESOURCES.option("--cpus-per-task", "cpus", type=COUNT, metavar="N", help="Cores per rank.")
@RESOURCES.option(
    "--gpus-per-task",
    "gpus",
    type=COUNT,
    metavar="N",
    help="GPUs per rank; a rank uses one.",
)
@RESOURCES.option(
    "--time",
    metavar="TIME",
    help="Time limit of the job; by default estimated by computing a few points here.",
)
@RESOURCES.option(
    "--array",
    type=COUNT,
    metavar="N",
    help="Split the surface into N shards, each a task of a job array.",
)
@QUEUE.option("--partition", metavar="NAME", help="Partition to submit to.")
@QUEUE.option("--account", metavar="NAME", help="Account to charge.")
@QUEUE.option(
    "--job-name",
    "name",
    metavar="NAME",
    help="Name of the job and its log; by default the output's.",
)
@QUEUE.option(
    "--sbatch",
    "more",
    multiple=True,
    metavar="OPTION",
    help="Another option for #SBATCH, such as --mem=64G. Repeatable.",
)
@RANKS.option(
    "--launcher",
    type=click.Choice(["srun", "mpiexec"]),
    default="srun",
    help="Program that starts the ranks; by default srun.",
)
@RANKS.option(
    "--mpi", metavar="TYPE", help="Value of srun's --mpi; by default it suits the MPI library here."
)
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
    """Print a Slurm batch script for `landscape compute CONFIG`.

    Options after -- are passed on to `landscape compute`. The job, or each task of an array, stops
    before its time limit, requeues itself and continues until the file is complete.
    """
    from landscape_cli.cli.slurm_script import Job, check, not_an_option, script
    from landscape_cli.parallel.group import refuse_size

    config = not_an_option(config)
    settings = _settings(config, options, array)
    refuse_size(settings.ranks_per_model, nodes * tasks)
    named = {"partition": partition, "account": account}
    queue = [f"--{key}={value}" for key, value in named.items() if value is not None]
    job = Job(
        program=_program(),
        config=config,
        options=options,
        folder=str(Path.cwd()),
        output=settings.output,
        time="" if time is None else _checked(time),
        note="as requested",
        nodes=nodes,
        tasks=tasks,
        cpus=cpus,
        gpus=gpus,
        array=array,
        launcher=_launcher(launcher, mpi, nodes * tasks, cpus),
        settings=[*queue, *more],
        name=name or Path(settings.output).stem,
    )
    check(job)
    if time is None:
        limit, note = _estimated(settings, nodes * tasks, cpus, gpus, array)
        job = replace(job, time=limit, note=note)
    print(script(job), end="")


def _settings(config: str, options: tuple[str, ...], array: int | None) -> RunConfig:
    """Return the configuration that `landscape compute` builds from its options.

    Raises:
        UsageError: if an option makes no sense in a job.
    """
    from landscape_cli.cli.commands.compute import command as compute
    from landscape_cli.errors import UsageError

    refused = {
        "--overwrite": "each time the job is requeued it would start over; remove the old file",
        "--dry-run": "the job would compute nothing; run `landscape compute` with it instead",
    }
    if array is not None:
        refused["--shard"] = "--array gives each task its own; leave it out"
    for option, reason in refused.items():
        if any(word == option or word.startswith(f"{option}=") for word in options):
            raise UsageError(f"{option}: {reason}")
    shard = [] if array is None else ["--shard", f"1/{array}"]
    received: list[RunConfig] = []
    compute.main([config, *options, *shard], standalone_mode=False, obj=received.append)
    if not received:
        raise UsageError(f"COMPUTE OPTIONS: {' '.join(options)!r} runs nothing; leave it out")
    return received[0]


def _estimated(
    settings: RunConfig, ranks: int, cpus: int | None, gpus: int | None, array: int | None
) -> tuple[str, str]:
    """Return a time limit for the job, and a note on its derivation."""
    from landscape_cli.cli.slurm_script import rounded_time
    from landscape_cli.config.durations import format_duration
    from landscape_cli.errors import UsageError
    from landscape_cli.evaluation.devices import choose_device
    from landscape_cli.parallel.serial import SerialExecutor
    from landscape_cli.run import estimate

    if gpus is not None and choose_device(settings.device).type == "cpu":
        raise UsageError(
            f"--gpus-per-task {gpus}: there is no GPU here to estimate the time on; add --time"
        )
    if settings.ranks_per_model > 1:
        raise UsageError(
            f"ranks_per_model: the time of {settings.ranks_per_model} ranks together can't be "
            "estimated on one; add --time"
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
        f"{threads}, take {format_duration(seconds)} on {ranks} rank{'s' * (ranks > 1)}, plus 50 % "
        "and five minutes"
    )


def _checked(time: str) -> str:
    """Return a time limit in Slurm's format.

    Raises:
        UsageError: if the text is not a duration.
    """
    from landscape_cli.config.durations import format_duration, parse_duration
    from landscape_cli.errors import UsageError

    try:
        return format_duration(parse_duration(time))
    except UsageError as error:
        raise UsageError(f"--time: {error}") from None


def _launcher(launcher: str, mpi: str | None, ranks: int, cpus: int | None) -> list[str]:
    """Return the command prefix that starts the ranks.

    Raises:
        UsageError: if it is unknown how srun starts ranks of the MPI library here.
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
            problem = (
                f"srun's type for {vendor} is not known" if vendor else "no MPI library is here"
            )
            raise UsageError(f"--mpi: {problem}; choose a type that srun --mpi=list shows")
    return srun(mpi, cpus)


def _program() -> list[str]:
    """Return the command that runs this environment's `landscape` from any folder."""
    beside = Path(sys.executable).with_name("landscape")
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "landscape_cli"]
