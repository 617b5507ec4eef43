"""Which executor a run gets."""

from __future__ import annotations

from landscape_cli.execution.base import Executor
from landscape_cli.execution.launch import launched_rank
from landscape_cli.execution.serial import SerialExecutor


def choose_executor() -> Executor:
    """The MPI ranks that a launcher such as mpiexec or srun started, or this process alone.

    MPI is not imported, and need not be installed, where no launcher is at work.

    Raises:
        UsageError: if a launcher is at work but MPI can't be loaded.
    """
    if launched_rank() is None:
        return SerialExecutor()
    from landscape_cli.execution.mpi import MPIExecutor

    executor = MPIExecutor()
    return executor if executor.size > 1 else SerialExecutor()
