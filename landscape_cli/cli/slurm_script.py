"""Scripts for the batch system Slurm that run `landscape compute` and go on where it stopped."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from landscape_cli.config.durations import format_duration

NOTICE = 60
"""Seconds before a job's end at which Slurm asks it to stop, should it not stop by itself."""

RESTARTS = 100
"""How often a job requeues itself, so that one that gets nowhere ends at last."""

PATIENCE = 10
"""Seconds that ranks are given to end after the first one has, before srun ends them."""

MARGIN, STEP = 1.5, 300
"""An estimated time is multiplied by the one; the other, in seconds, is added, and rounded to."""

TASKS = "{tasks}"
"""Stands for the number of ranks among the words that start them."""

PMI = {"MPICH": "pmi2", "Intel MPI": "pmi2", "MVAPICH": "pmi2", "Open MPI": "pmix"}
"""What srun has to offer each MPI library, its ``--mpi``."""


@dataclass(frozen=True)
class Job:
    """What a script asks Slurm for, and what it runs.

    Args:
        program: the words that run this program's `landscape`.
        config: the configuration's file.
        options: the options of `compute`.
        folder: where to run, absolute.
        output: the file of the whole surface, as `compute` is told.
        time: the time limit, as Slurm reads it.
        note: how the time was found.
        nodes: how many nodes.
        tasks: ranks on each.
        cpus: cores of each rank; Slurm's default if None.
        gpus: GPUs of each rank; none if None.
        array: how many shards, each a task of a job array; None for a job that is no array.
        launcher: the words that start the ranks, such as ``("srun", "--mpi=pmi2")``.
        settings: further ``#SBATCH`` options, such as ``--partition=long``.
        name: the job's name, and its log's.
    """

    program: Sequence[str]
    config: str
    options: Sequence[str]
    folder: str
    output: str
    time: str
    note: str
    nodes: int
    tasks: int
    cpus: int | None
    gpus: int | None
    array: int | None
    launcher: Sequence[str]
    settings: Sequence[str]
    name: str


def rounded_time(seconds: float) -> str:
    """The time to ask for if a run is expected to take so long: half more, and five minutes."""
    return format_duration(math.ceil((MARGIN * seconds + STEP) / STEP) * STEP)


def srun(mpi: str, cpus: int | None) -> list[str]:
    """The words by which srun starts the ranks.

    Ranks that stop early exit with 75, not quite at once: ``--kill-on-bad-exit=1`` would kill those
    that come last, and with them the exit code. A rank that dies takes the rest along all the same,
    ten seconds later.
    """
    # From version 22.05 on, srun does not take the cores of a task from sbatch.
    cores = [] if cpus is None else [f"--cpus-per-task={cpus}"]
    return ["srun", f"--mpi={mpi}", "--kill-on-bad-exit=0", f"--wait={PATIENCE}", *cores]


def script(job: Job) -> str:
    """The script, to be given to sbatch as it is."""
    return "\n".join([*_head(job), "", *_body(job), *_merging(job)]) + "\n"


def _head(job: Job) -> list[str]:
    name = job.name.replace("%", "%%")
    by_srun = job.launcher[0] == "srun"
    wishes = [
        f"--job-name={job.name}",
        f"--nodes={job.nodes}",
        f"--ntasks-per-node={job.tasks}",
        *([] if job.cpus is None else [f"--cpus-per-task={job.cpus}"]),
        *([] if job.gpus is None else [f"--gpus-per-task={job.gpus}"]),
        f"--time={job.time}",
        *([] if job.array is None else [f"--array=1-{job.array}"]),
        # Slurm signals srun's ranks itself, but those of mpiexec by way of this script.
        f"--signal={'' if by_srun else 'B:'}USR1@{NOTICE}",
        "--requeue",
        "--open-mode=append",
        f"--output={name}.{'%j' if job.array is None else '%A_%a'}.log",
        *job.settings,
    ]
    lines = [f"#SBATCH {shlex.quote(wish)}" for wish in wishes]
    return ["#!/bin/bash", *lines, f"# The time limit: {job.note}."]


def _body(job: Job) -> list[str]:
    words = [*job.launcher, *job.program, "compute", job.config, *job.options]
    command = shlex.join(words).replace(shlex.quote(TASKS), '"$SLURM_NTASKS"')
    this = "$SLURM_JOB_ID"
    if job.array is not None:
        command += f' --shard "$SLURM_ARRAY_TASK_ID/{job.array}"'
        this = "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    return [
        f"cd {shlex.quote(job.folder)} || exit",
        "export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}",
        "",
        *(_plain(command) if job.launcher[0] == "srun" else _forwarding(command)),
        "",
        "# 75: stopped early, to go on in another turn. Slurm ends this script by requeueing it.",
        f'if [ "$code" = 75 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {RESTARTS} ] &&',
        f'    scontrol requeue "{this}"; then',
        f"    sleep {NOTICE}",
        "fi",
        'exit "$code"',
    ]


def _plain(command: str) -> list[str]:
    return [command, "code=$?"]


def _forwarding(command: str) -> list[str]:
    """Run it so that the shell can pass signals on meanwhile; each ends a ``wait``."""
    return [
        f"{command} &",
        "trap 'kill -USR1 $!' USR1",
        "while kill -0 $! 2> /dev/null; do wait $!; done",
        "wait $!",
        "code=$?",
    ]


def _merging(job: Job) -> list[str]:
    """How to make one file of an array's."""
    if job.array is None:
        return []
    stem = job.output.removesuffix(".h5")
    program = shlex.join(job.program)
    files = f"{shlex.quote(stem + '.shard-')}*{shlex.quote(f'-of-{job.array}.h5')}"
    merge = f"{program} merge {shlex.quote(job.output)} {files}"
    return [
        "",
        "# When all tasks are done:",
        f"#   cd {shlex.quote(job.folder)} && {merge}",
        "# or, as a job that waits for the array with the number ID:",
        f"#   sbatch --dependency=afterok:ID --chdir={shlex.quote(job.folder)} "
        f"--wrap={shlex.quote(merge)}",
    ]
