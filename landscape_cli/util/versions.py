"""What a file says about how it was made."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version

from landscape_cli import __version__

PACKAGES = ("torch", "numpy", "h5py", "mpi4py")


def versions() -> dict[str, str]:
    """The versions of Python, this package and those that decide the numbers."""
    found = {"landscape-cli": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
