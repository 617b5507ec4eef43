"""Slurm batch scripts that run `landscape compute` and continue it when it stops early."""

from __future__ import annotations

import math
import shlex
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from landscape_cli.config.durations import format_duration
from landscape_cli.errors import UsageError

NOTICE = 60
"""Seconds before a job's end at which Slurm signals it to stop, if it has not stopped by itself."""

RESTARTS = 100
"""Maximum number of times a job requeues itself, so that one without progress ends."""

PATIENCE = 10
"""Seconds between the end of the first rank and srun ending the others."""

MARGIN = 1.5
"""Factor on the estimated time of a run in its job's time limit."""

STEP = 300
"""Seconds added to the time limit, which is rounded up to a multiple of them."""

TASKS = "{tasks}"
"""Placeholder for the number of ranks in the command that starts them."""

REFUSED = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of characters that are not seen: control characters, line separators, marks
that reverse the direction of text, bytes that are not text."""

PMI = {"MPICH": "pmi2", "Intel MPI": "pmi2", "MVAPICH": "pmi2", "Open MPI": "pmix"}
"""Value of srun's ``--mpi`` for each MPI library."""


@dataclass(frozen=True)
class Job:
    """The resources that a script requests from Slurm, and the command that it runs.

    Args:
        program: the command that runs `landscape`, as words.
        config: path of the configuration.
        options: the options of `landscape compute`.
        folder: absolute path of the folder to run in.
        output: path of the whole surface's file, as given to `landscape compute`.
        time: the time limit in Slurm's format.
        note: a sentence on where the time limit comes from.
        nodes: number of nodes.
        tasks: ranks per node.
        cpus: cores per rank; Slurm's default if None.
        gpus: GPUs per rank; no GPUs if None.
        array: number of shards, each a task of a job array; None for a single job.
        launcher: the command prefix that starts the ranks, such as ``("srun", "--mpi=pmi2")``.
        settings: further ``#SBATCH`` options, such as ``--partition=long``.
        name: name of the job and of its log.
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
    """Return the time limit for a run with this estimated time: 50 % and five minutes more."""
    return format_duration(math.ceil((MARGIN * seconds + STEP) / STEP) * STEP)


def srun(mpi: str, cpus: int | None) -> list[str]:
    """Return the srun command that starts the ranks.

    Ranks that stop early exit with 75 at slightly different times: ``--kill-on-bad-exit=1`` would
    kill the last of them, and the exit code would be lost. If a rank dies, ``--wait`` still ends
    the others ten seconds later.
    """
    # Since version 22.05, srun does not inherit --cpus-per-task from sbatch.
    cores = [] if cpus is None else [f"--cpus-per-task={cpus}"]
    return ["srun", f"--mpi={mpi}", "--kill-on-bad-exit=0", f"--wait={PATIENCE}", *cores]


def check(job: Job) -> None:
    """Refuse a job with a text that can't be seen as it is in a script, such as a newline.

    Raises:
        UsageError: naming the text and where it comes from.
    """
    sources = {
        "folder": "the current folder",
        "name": "--job-name",
        "options": "COMPUTE OPTIONS",
        "settings": "--sbatch, --partition or --account",
        "launcher": "--mpi",
        "program": "the program",
        "config": "CONFIG",
    }
    for name, text in _texts(job):
        if any(unicodedata.category(char) in REFUSED for char in text):
            raise UsageError(
                f"{sources.get(name, name)}: {text!a} has a line break or another character "
                "that a batch script can't show; use another name"
            )
    for setting in job.settings:
        if not setting.startswith("-"):
            raise UsageError(
                f"--sbatch: got {setting!r}, expected an option of sbatch, such as --mem=64G"
            )


def _texts(job: Job) -> Iterator[tuple[str, str]]:
    """Yield each text of a job with its field's name; the job's name, which others give, last."""
    for field in sorted(fields(job), key=lambda field: field.name == "name"):
        value = getattr(job, field.name)
        if isinstance(value, str):
            yield field.name, value
        elif isinstance(value, Sequence):
            yield from ((field.name, word) for word in value)


def script(job: Job) -> str:
    """Return the text of a script for sbatch.

    Raises:
        UsageError: if a text has a line break, which would add a line to the script.
    """
    for name, text in _texts(job):
        if any(char in text for char in "\0\r\n"):
            raise UsageError(f"{name}: got {text!r}, which has a line break; use another name")
    return "\n".join([*_head(job), "", *_body(job), *_merge_comments(job)]) + "\n"


def _head(job: Job) -> list[str]:
    name = job.name.replace("%", "%%")
    by_srun = job.launcher[0] == "srun"
    requests = [
        f"--job-name={job.name}",
        f"--nodes={job.nodes}",
        f"--ntasks-per-node={job.tasks}",
        *([] if job.cpus is None else [f"--cpus-per-task={job.cpus}"]),
        *([] if job.gpus is None else [f"--gpus-per-task={job.gpus}"]),
        f"--time={job.time}",
        *([] if job.array is None else [f"--array=1-{job.array}"]),
        # Slurm signals srun's ranks directly, but those of mpiexec only through this script.
        f"--signal={'' if by_srun else 'B:'}USR1@{NOTICE}",
        "--requeue",
        "--open-mode=append",
        f"--output={name}.{'%j' if job.array is None else '%A_%a'}.log",
        *job.settings,
    ]
    lines = [f"#SBATCH {shlex.quote(request)}" for request in requests]
    return ["#!/bin/bash", *lines, f"# The time limit: {job.note}."]


def _body(job: Job) -> list[str]:
    launcher = ['"$SLURM_NTASKS"' if word == TASKS else shlex.quote(word) for word in job.launcher]
    words = [*job.program, "compute", job.config, *job.options]
    command = " ".join([*launcher, shlex.join(words)])
    job_id = "$SLURM_JOB_ID"
    if job.array is not None:
        command += f' --shard "$SLURM_ARRAY_TASK_ID/{job.array}"'
        job_id = "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    return [
        f"cd {shlex.quote(job.folder)} || exit",
        "export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}",
        "",
        *(_run_directly(command) if job.launcher[0] == "srun" else _run_with_signals(command)),
        "",
        "# 75: stopped early, to be continued. Requeueing the job ends this script.",
        f'if [ "$code" = 75 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {RESTARTS} ] &&',
        f'    scontrol requeue "{job_id}"; then',
        f"    sleep {NOTICE}",
        "fi",
        'exit "$code"',
    ]


def _run_directly(command: str) -> list[str]:
    return [command, "code=$?"]


def _run_with_signals(command: str) -> list[str]:
    """Run a command in the background, so that the shell can forward signals.

    A signal ends ``wait``, which is therefore repeated.
    """
    return [
        f"{command} &",
        "trap 'kill -USR1 $!' USR1",
        "while kill -0 $! 2> /dev/null; do wait $!; done",
        "wait $!",
        "code=$?",
    ]


def _merge_comments(job: Job) -> list[str]:
    """Return comments with the commands that merge an array's files."""
    if job.array is None:
        return []
    output = not_an_option(job.output)
    stem = output.removesuffix(".h5")
    program = shlex.join(job.program)
    files = f"{shlex.quote(stem + '.shard-')}*{shlex.quote(f'-of-{job.array}.h5')}"
    merge = f"{program} merge {shlex.quote(output)} {files}"
    return [
        "",
        "# To merge the shards when all tasks are done:",
        f"#   cd {shlex.quote(job.folder)} && {merge}",
        "# or, in a job that waits for the array; replace ID by the array's job ID:",
        f"#   sbatch --dependency=afterok:ID --chdir={shlex.quote(job.folder)} "
        f"--wrap={shlex.quote(merge)}",
    ]


def not_an_option(path: str) -> str:
    """Return a path that no program takes for an option."""
    return f"./{path}" if path.startswith("-") else path
