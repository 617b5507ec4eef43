"""Whether an MPI launcher started this process, found out without MPI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

LAUNCHERS = ("mpiexec", "mpirun", "orterun", "prterun", "srun")

RANK_VARIABLES = (
    "PMIX_RANK",
    "PMI_RANK",
    "OMPI_COMM_WORLD_RANK",
    "MV2_COMM_WORLD_RANK",
    "PALS_RANKID",
)
"""Set by the launchers of MPICH, Intel MPI, Cray, Open MPI, MVAPICH, PRRTE and by srun."""

SIZE_VARIABLES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "PALS_NRANKS")
"""How many tasks they started, where they say so; srun has variables of its own."""

NORMAL_STEPS = 0xFFFFFFF0
"""Slurm numbers from here on what is no step of several tasks, such as a batch script."""


def launched_rank() -> int | None:
    """The rank that a launcher gave this process, or None if no launcher started it.

    LANDSCAPE_MPI=0 makes a process started by a launcher run on its own, LANDSCAPE_MPI=1 makes one
    use MPI under a launcher that is not known here.
    """
    wish = os.environ.get("LANDSCAPE_MPI")
    if wish == "0":
        return None
    for variable in RANK_VARIABLES:
        value = os.environ.get(variable, "")
        if value.isdigit():
            return int(value)
    return 0 if wish == "1" else None


def launched_tasks() -> int:
    """How many tasks were started together with this process; 1 if nobody says."""
    sizes = [os.environ.get(variable, "") for variable in SIZE_VARIABLES]
    step = os.environ.get("SLURM_STEP_ID", "")
    if step.isdigit() and int(step) < NORMAL_STEPS:
        sizes.append(os.environ.get("SLURM_STEP_NUM_TASKS", ""))
    return next((int(size) for size in sizes if size.isdigit()), 1)


def speaks() -> bool:
    """Whether this process is the one of its tasks that prints what concerns them all."""
    rank = launched_rank()
    if rank is None and launched_tasks() > 1 and os.environ.get("LANDSCAPE_MPI") != "0":
        return os.environ.get("SLURM_PROCID", "0") == "0"
    return not rank


def launchers() -> list[str]:
    """The launchers that are found: beside this Python, and then on the path."""
    beside = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    path = os.pathsep.join(beside)
    return [found for name in LAUNCHERS if (found := shutil.which(name, path=path))]


def on_terminal() -> bool:
    """Whether what this process writes to standard error appears on a terminal.

    Launchers pass their ranks' output on through a pipe; where the launcher runs on this machine
    (and this is a Linux), its own standard error tells where that ends.
    """
    if sys.stderr.isatty():
        return True
    process = os.getpid() if launched_rank() is not None else 1
    while process > 1:
        try:
            name = Path(f"/proc/{process}/comm").read_text().strip()
            if name.startswith(LAUNCHERS):
                return os.readlink(f"/proc/{process}/fd/2").startswith(("/dev/pts/", "/dev/tty"))
            status = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            return False
        process = int(status.rpartition(")")[2].split()[1])
    return False
