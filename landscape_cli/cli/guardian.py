"""The guardian of a rank: its parent process, which survives it and says how it ended.

Launchers take a rank that ends with exit code 0 for a success, or end all ranks at once when one is
gone, before rank 0 has published what it has.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
import time
from typing import Any

from landscape_cli.parallel import last_words

FORWARDED = ("SIGTERM", "SIGUSR1", "SIGUSR2", "SIGINT", "SIGHUP", "SIGQUIT")
"""Signals that a launcher or batch system may send; the rank gets each of them once."""

ALERT = 3.0
"""Seconds after which the attempt to alert rank 0 is given up."""

LINGERING = 15.0
"""Seconds in which rank 0 may publish and end all ranks, before its launcher does."""

PR_SET_PDEATHSIG = 1


def guard(rank: int) -> None:
    """Continue in a child process, and report in this one how it ends; only on Linux.

    The child has a process group of its own, so that it gets only those signals that this process
    forwards, and is killed when this process is.
    """
    if not sys.platform.startswith("linux"):
        return
    last_words.share()
    guardian = os.getpid()
    if child := os.fork():
        _watch_over(child, rank)
    os.setpgid(0, 0)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != guardian:
        os._exit(1)
    atexit.register(last_words.say, expected=True)


def _watch_over(child: int, rank: int) -> None:
    """Wait for a rank to end, and end in the same way."""
    for name in FORWARDED:
        signal.signal(getattr(signal, name), lambda number, frame: _forward(child, number))
    _, status = os.waitpid(child, 0)
    facts = last_words.heard()
    code = os.waitstatus_to_exitcode(status)
    if not facts.get("expected"):
        _report(rank, code, facts)
        # MPICH's launcher ends ranks that wait in MPI_Init only if another one dies by a signal.
        code = code if code < 0 else -signal.SIGTERM
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if code >= 0 else 1)


def _forward(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _report(rank: int, code: int, facts: dict[str, Any]) -> None:
    """Say how a rank has vanished, and let rank 0 publish."""
    how = (
        f"was killed by {signal.Signals(-code).name}"
        if code < 0
        else f"ended with exit code {code}"
    )
    what = f"was {facts['what']} and " if facts.get("what") else ""
    text = f"rank {rank} on {socket.gethostname()} {what}{how}"
    if rank and _alert(text, facts.get("address")):
        time.sleep(LINGERING)
        return
    print(f"landscape: {text}; ending all ranks", file=sys.stderr, flush=True)
    if rank == 0 and facts.get("output"):
        _release(facts["output"])
    time.sleep(0.5)  # for the launcher to forward the line


def _alert(text: str, address: Any) -> bool:
    """Tell rank 0's watch of the end of another rank; return whether it has listened."""
    try:
        host, port, token = address
        with socket.create_connection((host, port), timeout=ALERT) as connection:
            connection.sendall(json.dumps([token, text]).encode() + b"\n")
            connection.settimeout(ALERT)
            return bool(connection.recv(1))
    except (OSError, TypeError, ValueError):
        return False


def _release(output: str) -> None:
    """Remove the lock of an output if its run, rank 0, is dead."""
    from landscape_cli.store.locks.lock_file import remove_dead_lock

    remove_dead_lock(output)
