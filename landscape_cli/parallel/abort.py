"""The end of a whole MPI job, from any of its ranks."""

from __future__ import annotations

import sys
import time
from typing import Any

from landscape_cli.parallel import last_words

FORWARDING = 1.0
"""Seconds for a launcher to forward what the ranks have printed, before the job is aborted.

Launchers stop forwarding once a job is aborted: a message that was printed just before can be
lost on a busy machine, and with it all that is known of the failure."""


def running_mpi() -> Any:
    """Return the MPI that this process is one of several ranks of, or None."""
    mpi = sys.modules.get("mpi4py.MPI")
    running = mpi and mpi.Is_initialized() and not mpi.Is_finalized()
    return mpi if mpi and running and mpi.COMM_WORLD.Get_size() > 1 else None


def end_ranks(code: int) -> None:
    """End every rank of the MPI job with an exit code, if this process is in one that has begun."""
    if mpi := running_mpi():
        sys.stdout.flush()
        sys.stderr.flush()
        last_words.say(expected=True)
        time.sleep(FORWARDING)
        mpi.COMM_WORLD.Abort(code)
