"""The memory limits of this process's Linux control groups, versions 1 and 2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

UNLIMITED = 1 << 60
"""Bytes from which a limit is none: version 1 writes a huge number rather than ``max``."""


@dataclass(frozen=True)
class MemoryGroup:
    """A control group with a memory limit.

    Args:
        path: its path in the hierarchy, such as ``/slurm/uid_0/job_7``.
        limit: bytes that its processes may use together.
        used: bytes that they use, without the page cache, which the kernel reclaims when needed.
    """

    path: str
    limit: int
    used: int


@dataclass(frozen=True)
class _Mount:
    """A mounted hierarchy: the part of it below ``top`` is at ``folder``."""

    top: PurePosixPath
    folder: Path
    version: int


def memory_groups(root: Path = Path("/")) -> Iterator[MemoryGroup]:
    """Yield the groups of this process that have a memory limit, its own first, then the parents.

    Args:
        root: folder that has ``proc`` and ``sys``.
    """
    try:
        membership = (root / "proc/self/cgroup").read_text()
        mountinfo = (root / "proc/self/mountinfo").read_text()
    except OSError:  # not Linux
        return
    for mount in _mounts(mountinfo, root):
        path = _own_path(membership, mount.version)
        for folder in _chain(mount, path) if path is not None else ():
            below = folder.relative_to(mount.folder)
            group = _read(folder, str(mount.top / below), mount.version)
            if group is not None:
                yield group


def _mounts(mountinfo: str, root: Path) -> Iterator[_Mount]:
    """Yield the mounts of the hierarchies that can limit memory.

    A line is "36 35 98:0 TOP FOLDER OPTIONS [FIELDS] - TYPE SOURCE SUPER_OPTIONS" (proc(5)).
    """
    for line in mountinfo.splitlines():
        mount, _, rest = line.partition(" - ")
        fields, (kind, *others) = mount.split(" "), rest.split(" ") or [""]
        if len(fields) < 5 or kind not in ("cgroup", "cgroup2"):
            continue
        if kind == "cgroup" and "memory" not in (others[-1] if others else "").split(","):
            continue
        top, folder = map(_unescaped, fields[3:5])
        version = 2 if kind == "cgroup2" else 1
        yield _Mount(PurePosixPath(top), root / folder.lstrip("/"), version)


def _unescaped(text: str) -> str:
    r"""Replace the octal escapes of mountinfo, such as ``\040`` for a space."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _own_path(membership: str, version: int) -> PurePosixPath | None:
    """Return this process's group, from lines "ID:CONTROLLERS:PATH"; version 2 names none."""
    for line in membership.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if (version == 2 and number == "0" and not controllers) or (
            version == 1 and "memory" in controllers.split(",")
        ):
            return PurePosixPath(path)
    return None


def _chain(mount: _Mount, path: PurePosixPath) -> Iterator[Path]:
    """Yield the folders of a group and of its parents, as far as they are mounted.

    In a container, the path may be that of the host, while only the group itself is mounted.
    """
    inside = path.relative_to(mount.top) if path.is_relative_to(mount.top) else PurePosixPath()
    if ".." in inside.parts:
        inside = PurePosixPath()
    for below in (inside, *inside.parents):
        folder = mount.folder / below
        if folder.is_dir():
            yield folder


def _read(folder: Path, path: str, version: int) -> MemoryGroup | None:
    """Read a group's limit and use; None without a limit."""
    limits = ("memory.max", "memory.high") if version == 2 else ("memory.limit_in_bytes",)
    use, prefix = ("memory.current", "") if version == 2 else ("memory.usage_in_bytes", "total_")
    try:
        counts = _table(folder / "memory.stat")
        found = [_bytes(folder / name) for name in limits]
        # The limit of parents that may not be visible here; version 2 does not tell it.
        found.append(counts.get("hierarchical_memory_limit"))
        limit = min((one for one in found if one is not None and one < UNLIMITED), default=None)
        used = _bytes(folder / use)
    except (OSError, ValueError):  # the root of version 2 has no such files
        return None
    if limit is None or used is None:
        return None
    cache = sum(counts.get(f"{prefix}{kind}_file", 0) for kind in ("active", "inactive"))
    return MemoryGroup(path, limit, max(0, used - cache))


def _bytes(file: Path) -> int | None:
    """Read a number of bytes; None if there is no such file, or it says ``max``."""
    if not file.exists():
        return None
    text = file.read_text().strip()
    return None if text == "max" else int(text)


def _table(file: Path) -> dict[str, int]:
    """Read lines "NAME NUMBER"; none if there is no such file."""
    text = file.read_text() if file.exists() else ""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}
