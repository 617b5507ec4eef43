"""The time limit of a run, from its configuration and the batch system."""

from __future__ import annotations

import os
import subprocess
import time
from datetime import datetime

from landscape_cli.config.durations import parse_duration
from landscape_cli.config.run_config import RunConfig

PUBLISHING = 1.0
"""Seconds reserved for publishing the last file."""

SLURM_SHARE, SLURM_LEAST, SLURM_MOST = 0.05, 5.0, 60.0
"""Safety margin: this fraction of the remaining Slurm time, clamped to these bounds in seconds."""


def time_left(config: RunConfig) -> float | None:
    """Return the seconds left for tiles, or None if there is no limit."""
    limits = []
    if config.time_limit is not None:
        limits.append(parse_duration(config.time_limit) - PUBLISHING)
    if (end := slurm_end()) is not None:
        left = end - time.time()
        limits.append(left - min(max(SLURM_SHARE * left, SLURM_LEAST), SLURM_MOST))
    return min(limits, default=None)


def slurm_end() -> float | None:
    """Return the end of this process's Slurm job in seconds since 1970, or None outside of one."""
    if "SLURM_JOB_ID" not in os.environ:
        return None
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    return float(end) if end.isdigit() else _query_end(os.environ["SLURM_JOB_ID"])


def _query_end(job: str) -> float | None:
    """Ask Slurm for the end of a job, since older versions do not set the variable."""
    command = ["squeue", "--noheader", "--job", job, "--format", "%e"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return datetime.fromisoformat(done.stdout.split()[0]).timestamp()
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return None
