"""What is in a lock's file, and whether the process that it names is there."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from pathlib import Path
from typing import Any

LONGEST = 4096
"""Bytes that are read of a lock; ours is much shorter."""


def write_lock(file: int, text: bytes) -> None:
    """Overwrite an open lock with a text of the same length."""
    os.pwrite(file, text, 0)
    os.fsync(file)


def lock_content(path: Path) -> bytes | None:
    """What a lock holds now, opened anew so that a network file system does not remember it."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST)
    except FileNotFoundError:
        return None


def parse_lock(content: bytes) -> dict[str, Any]:
    """What a lock says of its run; nothing if it was not written by one."""
    try:
        about = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def describe_owner(content: bytes | None) -> str:
    """A lock's run in words."""
    about = parse_lock(content or b"")
    host, pid = about.get("host"), about.get("pid")
    known = isinstance(pid, int) and isinstance(host, str) and host.isprintable()
    return f"the run with pid {pid} on {host}" if known else "another run"


def this_place() -> str:
    """Where a pid means the same process: a boot of a machine, and a container's pids in it."""
    known = [socket.gethostname()]
    with contextlib.suppress(OSError):
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        known.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(known)


def alive(pid: object) -> bool:
    """Whether a process of this place is there, and has not ended unnoticed by its parent."""
    number = pid if isinstance(pid, int) and pid > 0 else os.getpid()
    with contextlib.suppress(OSError, OverflowError):
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        if state[:1] in (["Z"], ["X"]):
            return False
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def describe_writer(output: Path) -> str | None:
    """The run that writes an output, in words; None if there is none, or it has died here."""
    try:
        content = lock_content(output.with_name(f"{output.name}.lock"))
    except OSError:
        return None
    if content is None:
        return None
    about = parse_lock(content)
    if about.get("place") == this_place() and not alive(about.get("pid")):
        return None
    return describe_owner(content)
