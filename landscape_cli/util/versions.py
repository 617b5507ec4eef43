"""Software versions and time stamps for the provenance of a file."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version

from landscape_cli.version import __version__

PACKAGES = ("torch", "numpy", "h5py", "mpi4py")
"""Dependencies whose versions are recorded."""


def versions() -> dict[str, str]:
    """Return the versions of Python, this package and the installed ones of ``PACKAGES``."""
    installed = {"landscape-cli": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def now() -> str:
    """Return the current UTC time in ISO 8601 format, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
