"""Which executor a run gets."""

from __future__ import annotations

import os

from landscape_cli.errors import UsageError
from landscape_cli.parallel.executor import Executor, OtherRankError
from landscape_cli.parallel.launcher import launched_rank, launched_tasks, speaks
from landscape_cli.parallel.serial import SerialExecutor


def choose_executor() -> Executor:
    """The MPI ranks that a launcher such as mpiexec or srun started, or this process alone.

    MPI is not imported, and need not be installed, where no launcher is at work.

    Raises:
        UsageError: if a launcher is at work but MPI can't be loaded, or several tasks were started
            that are not ranks of one world; each of them would compute everything.
    """
    executor = find_executor()
    if problem := separate_tasks(executor):
        raise UsageError(problem) if speaks() else OtherRankError(UsageError.exit_code)
    return executor if executor.size > 1 else SerialExecutor()


def find_executor() -> Executor:
    """The world that there is, whatever it is good for.

    Raises:
        UsageError: if a launcher is at work but MPI can't be loaded.
    """
    if launched_rank() is None:
        return SerialExecutor()
    from landscape_cli.parallel.mpi import MPIExecutor

    return MPIExecutor()


def separate_tasks(executor: Executor) -> str | None:
    """What is wrong, and its remedy, if several tasks were started but do not see each other."""
    tasks = launched_tasks()
    if executor.size > 1 or tasks < 2 or os.environ.get("LANDSCAPE_MPI") == "0":
        return None
    library = executor.describe()["library"]
    found = "no MPI is at work"
    if library:
        found = f"each is alone in the world of its MPI library ({library.partition(',')[0]})"
    return (
        f"{tasks} tasks were started together, but {found}: each would compute everything; srun "
        "needs --mpi=pmi2 for MPICH or --mpi=pmix for Open MPI (srun --mpi=list shows what it "
        "has), and mpirun or mpiexec must be of the MPI library that mpi4py uses; LANDSCAPE_MPI=0 "
        "makes each task run on its own"
    )
