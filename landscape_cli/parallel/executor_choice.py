"""Choice of a run's executor."""

from __future__ import annotations

import os

from landscape_cli.errors import UsageError
from landscape_cli.parallel.executor import Executor, OtherRankError
from landscape_cli.parallel.launcher import launched_rank, launched_tasks, speaks
from landscape_cli.parallel.serial import SerialExecutor


def choose_executor() -> Executor:
    """Choose the MPI ranks started by a launcher such as mpiexec or srun, or this process alone.

    Without a launcher, MPI is not imported and need not be installed.

    Raises:
        UsageError: if a launcher started this process but MPI can't be loaded, or if several tasks
            were started that are not ranks of one world, so that each would compute everything.
    """
    executor = find_executor()
    if problem := separate_tasks(executor):
        raise UsageError(problem) if speaks() else OtherRankError(UsageError.exit_code)
    return executor if executor.size > 1 else SerialExecutor()


def find_executor() -> Executor:
    """Return the executor of this process's world, even if its tasks do not see each other.

    Raises:
        UsageError: if a launcher started this process but MPI can't be loaded.
    """
    if launched_rank() is None:
        return SerialExecutor()
    from landscape_cli.parallel.mpi import MPIExecutor

    return MPIExecutor()


def separate_tasks(executor: Executor) -> str | None:
    """Explain the problem and its remedy if several tasks were started but do not see each other.

    Returns:
        The explanation; None if there is no such problem.
    """
    tasks = launched_tasks()
    if executor.size > 1 or tasks < 2 or os.environ.get("LANDSCAPE_MPI") == "0":
        return None
    library = executor.describe()["library"]
    cause = "they do not use MPI"
    if library:
        cause = f"each is alone in the world of its MPI library ({library.partition(',')[0]})"
    return (
        f"{tasks} tasks were started together, but {cause}: each would compute everything; srun "
        "needs --mpi=pmi2 for MPICH or --mpi=pmix for Open MPI (srun --mpi=list shows what it "
        "has), and mpirun or mpiexec must be from the MPI library that mpi4py uses; "
        "LANDSCAPE_MPI=0 makes each task run on its own"
    )
