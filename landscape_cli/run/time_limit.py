"""How long a run may take."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import datetime

from landscape_cli.config.durations import parse_duration
from landscape_cli.config.run_config import RunConfig

PUBLISHING = 1.0
"""Seconds kept back for the last file."""

SLURM_SHARE, SLURM_LEAST, SLURM_MOST = 0.05, 5.0, 60.0
"""What is kept back of the time that a Slurm job has left, between so many seconds."""


def time_left(config: RunConfig) -> float | None:
    """Seconds that tiles may take from now on, by the configuration and the batch system.

    None without any limit.
    """
    found = []
    if config.time_limit is not None:
        found.append(parse_duration(config.time_limit) - PUBLISHING)
    if (end := slurm_end()) is not None:
        left = end - time.time()
        found.append(left - min(max(SLURM_SHARE * left, SLURM_LEAST), SLURM_MOST))
    return min(found, default=None)


def slurm_end() -> float | None:
    """When the Slurm job ends that this process belongs to, in seconds since 1970; or None."""
    if "SLURM_JOB_ID" not in os.environ:
        return None
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    return float(end) if end.isdigit() else _asked(os.environ["SLURM_JOB_ID"])


def _asked(job: str) -> float | None:
    """The same, from the batch system itself: older versions of Slurm do not tell their jobs."""
    command = ["squeue", "--noheader", "--job", job, "--format", "%e"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return datetime.fromisoformat(done.stdout.split()[0]).timestamp()
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
