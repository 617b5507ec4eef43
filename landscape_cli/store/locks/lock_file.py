"""Content of a lock file, and a test for whether the process it names is alive."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
from pathlib import Path
from typing import Any

from landscape_cli.util.output_files import written_path

LONGEST = 4096
"""Upper bound on the bytes read from a lock file; ours are much shorter."""


def lock_path(output: Path) -> Path:
    """Return the path of an output's lock, the same for a link as for the file it leads to."""
    target = written_path(output)
    return target.with_name(f"{target.name}.lock")


def write_lock(file: int, text: bytes) -> None:
    """Overwrite an open lock file with content of the same length.

    Raises:
        OSError: if it can't be written whole.
    """
    if os.pwrite(file, text, 0) < len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(file)


def lock_content(path: Path) -> bytes | None:
    """Read a lock file, reopening it so that a network file system returns no cached content.

    Returns:
        The content, or None if there is no such file.
    """
    try:
        with path.open("rb") as file:
            return file.read(LONGEST)
    except FileNotFoundError:
        return None


def parse_lock(content: bytes) -> dict[str, Any]:
    """Parse a lock file's content; return an empty dict if no run wrote it."""
    try:
        owner = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}


def describe_owner(content: bytes | None) -> str:
    """Describe the run that owns a lock, in words."""
    owner = parse_lock(content or b"")
    host, pid = owner.get("host"), owner.get("pid")
    known = isinstance(pid, int) and isinstance(host, str) and host.isprintable()
    return f"the run with pid {pid} on {host}" if known else "another run"


def this_place() -> str:
    """Identify the scope in which a pid is unique: the host, its current boot and PID namespace."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def alive(pid: object) -> bool:
    """Tell whether a process on this host is running; a zombie is not."""
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
    """Describe the run that is writing an output, in words.

    Returns:
        The description; None if there is no such run, or it ran on this host and is dead.
    """
    try:
        content = lock_content(lock_path(output))
    except OSError:
        return None
    if content is None:
        return None
    owner = parse_lock(content)
    if owner.get("place") == this_place() and not alive(owner.get("pid")):
        return None
    return describe_owner(content)


def remove_dead_lock(output: str) -> None:
    """Remove the lock of an output if it names a dead process of this host."""
    path = Path(f"{output}.lock")
    with contextlib.suppress(OSError):
        owner = parse_lock(lock_content(path) or b"")
        if owner.get("place") == this_place() and not alive(owner.get("pid")):
            path.unlink()
