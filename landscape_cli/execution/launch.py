"""Whether an MPI launcher started this process, found out without MPI."""

from __future__ import annotations

import os

RANK_VARIABLES = (
    "PMIX_RANK",
    "PMI_RANK",
    "OMPI_COMM_WORLD_RANK",
    "MV2_COMM_WORLD_RANK",
    "PALS_RANKID",
)
"""Set by the launchers of MPICH, Intel MPI, Cray, Open MPI, MVAPICH, PRRTE and by srun."""


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
