"""Versions of the software and the device that computes, for ``landscape --version``."""

from __future__ import annotations

import glob
import platform
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError, version

from landscape_cli.parallel.mpi_vendor import mpi_words
from landscape_cli.util.processor import instructions
from landscape_cli.version import __version__

WITHOUT_ACCELERATOR = "+cpu"
"""End of the version of a PyTorch that computes on the processor only."""

DRIVERS = ("/dev/nvidia[0-9]*", "/dev/nvidiactl", "/dev/kfd", "/dev/dri/renderD*", "/dev/dxg")
"""What the drivers of accelerators make on Linux; without any, PyTorch need not be asked."""


def version_lines() -> list[str]:
    """Return versions and the device, one a line; PyTorch is imported only for accelerators."""
    rows = {
        "landscape": __version__,
        "Python": platform.python_version(),
        "PyTorch": _torch_version() or "not installed",
        "MPI": mpi_words(),
        "device": device_words(),
    }
    width = max(map(len, rows)) + 2
    return [f"{name:<{width}}{words}" for name, words in rows.items()]


def device_words() -> str:
    """Name the accelerators that PyTorch sees, or the processor's instructions without any."""
    if not _may_have_accelerator():
        return _processor()
    try:
        from landscape_cli.evaluation.devices import visible_devices
        from landscape_cli.util import accelerators

        devices = visible_devices("auto")
        if devices[0].type == "cpu":
            return f"{_processor()}; PyTorch sees no accelerator"
        names = Counter(accelerators.name(device) for device in devices)
    except (ImportError, OSError, RuntimeError) as error:  # a driver that does not fit PyTorch
        reason = " ".join(str(error).split())
        return f"{_processor()}; PyTorch can't use the accelerator ({reason})"
    words = ", ".join(f"{count} x {name}" for name, count in names.items())
    return f"{devices[0].type} ({words})"


def _may_have_accelerator() -> bool:
    if (found := _torch_version()) is None or found.endswith(WITHOUT_ACCELERATOR):
        return False
    return sys.platform != "linux" or any(glob.glob(pattern) for pattern in DRIVERS)


def _processor() -> str:
    return f"cpu ({', '.join(instructions()) or platform.machine()})"


def _torch_version() -> str | None:
    try:
        return version("torch")
    except PackageNotFoundError:
        return None
