"""Shared parts of the benchmarks: timing, medians, the machine's description, JSON lines."""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from landscape_cli.evaluation.devices import instruction_set, own_cores, visible_devices
from landscape_cli.util import accelerators
from landscape_cli.util.processor import instructions

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
REPEATS = 5


@cache
def machine() -> dict[str, Any]:
    """Describe processor, instructions, those in use, usable cores, accelerators, libraries."""
    return {
        "accelerators": _accelerators(),
        "cpu": _cpu(),
        "instruction_set": instruction_set(),
        "instructions": list(instructions()),
        "cores": len(own_cores()),
        "python": platform.python_version(),
        "torch": _version("torch"),
        "mpi": _mpi(),
    }


def emit(figure: str, value: float, unit: str, **more: Any) -> None:
    """Print one figure as a JSON line.

    Args:
        figure: its name, the same in every run.
        value: its value.
        unit: its unit, "ratio" for a ratio.
        more: further keys, such as the target, ``target=">= 0.9"``, or the medians from which it
            comes, ``one_rank_seconds=12.3``.
    """
    line = {
        "figure": figure,
        "value": significant(value),
        "unit": unit,
        **{key: significant(fact) for key, fact in more.items()},
        "machine": machine(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }
    print(json.dumps(line), flush=True)


def note(text: str) -> None:
    """Print a remark to standard error."""
    print(text, file=sys.stderr, flush=True)


def seconds(function: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def median_seconds(function: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median duration of several calls, after a warm-up call."""
    function()
    return statistics.median(seconds(function) for _ in range(repeats))


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Median of the ratios of paired measurements."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def on_ranks(ranks: int, script: str, *arguments: object) -> Any:
    """Run a script of this folder under mpiexec, with one thread per rank.

    Returns:
        The last line that rank 0 printed, parsed as JSON.
    """
    done = subprocess.run(
        [mpiexec(), "-n", str(ranks), sys.executable, str(HERE / script), *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def significant(value: Any, digits: int = 4) -> Any:
    """Round a float to significant digits; return other values unchanged."""
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def mpiexec() -> str:
    """Path of the launcher beside this Python, or else on the path."""
    beside = Path(sys.executable).with_name("mpiexec")
    path = str(beside) if beside.exists() else shutil.which("mpiexec")
    if path is None:
        raise SystemExit("no mpiexec: pip install 'landscape-cli[mpich]'")
    return path


def _accelerators() -> list[str]:
    devices = visible_devices("auto")
    return [accelerators.name(device) for device in devices if device.type != "cpu"]


def _mpi() -> str | None:
    """First line of the MPI library's version, read in another process."""
    code = "from mpi4py import MPI; print(MPI.Get_library_version().strip(chr(0)).splitlines()[0])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return " ".join(done.stdout.split()) or None


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
