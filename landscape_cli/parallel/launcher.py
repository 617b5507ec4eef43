"""Detection of the MPI launcher that started this process, without loading MPI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

LAUNCHERS = ("mpiexec", "mpirun", "orterun", "prterun", "srun")

RANK_VARIABLES = (
    "PMIX_RANK",
    "PMI_RANK",
    "OMPI_COMM_WORLD_RANK",
    "MV2_COMM_WORLD_RANK",
    "PALS_RANKID",
)
"""Variables with the rank, set by the launchers of MPICH, Intel MPI, Cray, Open MPI, MVAPICH and
PRRTE, and by srun."""

SIZE_VARIABLES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "PALS_NRANKS")
"""Variables with the number of tasks, where a launcher sets one; srun has its own."""

NORMAL_STEPS = 0xFFFFFFF0
"""Slurm step ids from here on are special, such as that of a batch script; lower ones are steps
that may have several tasks."""


def launched_rank() -> int | None:
    """Return the rank that a launcher gave this process, or None if no launcher started it.

    LANDSCAPE_MPI=0 makes a process run on its own despite a launcher; LANDSCAPE_MPI=1 makes it use
    MPI under an unknown launcher.
    """
    setting = os.environ.get("LANDSCAPE_MPI")
    if setting == "0":
        return None
    for variable in RANK_VARIABLES:
        value = os.environ.get(variable, "")
        if value.isdigit():
            return int(value)
    return 0 if setting == "1" else None


def launched_tasks() -> int:
    """Number of tasks started together with this one, itself included; 1 if unknown."""
    sizes = [os.environ.get(variable, "") for variable in SIZE_VARIABLES]
    step = os.environ.get("SLURM_STEP_ID", "")
    if step.isdigit() and int(step) < NORMAL_STEPS:
        sizes.append(os.environ.get("SLURM_STEP_NUM_TASKS", ""))
    return next((int(size) for size in sizes if size.isdigit()), 1)


def speaks() -> bool:
    """Tell whether this process is the one that prints messages on behalf of all tasks."""
    rank = launched_rank()
    if rank is None and launched_tasks() > 1 and os.environ.get("LANDSCAPE_MPI") != "0":
        return os.environ.get("SLURM_PROCID", "0") == "0"
    return not rank


def launchers() -> list[str]:
    """Paths of the installed launchers: those beside this Python, else those on the path."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    path = os.pathsep.join(folders)
    return [launcher for name in LAUNCHERS if (launcher := shutil.which(name, path=path))]


def in_notebook() -> bool:
    """Tell whether this process is the kernel of a Jupyter notebook."""
    ipython: Any = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def on_terminal() -> bool:
    """Tell whether this process's standard error ends up on a terminal or in a notebook.

    Launchers forward their ranks' output through a pipe. If the launcher runs on this machine, and
    this is Linux, its own standard error shows where that output goes.
    """
    if sys.stderr.isatty() or in_notebook():
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
