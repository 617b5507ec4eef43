"""Whether everything a run needs is there and works, as a list of checks."""

from __future__ import annotations

import socket
from pathlib import Path

import torch

from landscape_cli.errors import LandscapeError, StoreError, UsageError
from landscape_cli.evaluation.devices import choose_device
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.executor_choice import find_executor, separate_tasks
from landscape_cli.parallel.launcher import launchers
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run.doctor.checks import GIBIBYTE, LEAST_FREE, Check
from landscape_cli.run.doctor.hardware import (
    find_hardware,
    gradients_check,
    memory_check,
    point_check,
    ranks_check,
)
from landscape_cli.run.doctor.trials import try_messages
from landscape_cli.run.setup.rank_consistency import other_versions
from landscape_cli.store import try_folder
from landscape_cli.util.versions import versions

MEGABYTE = 10**6

SLOW_MESSAGES = 50 * MEGABYTE
"""Bytes a second below which the network is warned of: half of what Gigabit Ethernet does."""

SLOW_PUBLISHING = 1.0
"""Seconds for a small file beyond which a folder is warned of."""


def examine(folder: Path, device: str) -> tuple[Executor, list[Check]]:
    """Look at everything; called by every rank, and the same list on each.

    Args:
        folder: where a surface is to be written.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``, as for a run.
    """
    executor, checks = _world()
    checks += [_versions(executor), _launcher(executor), _tasks(executor)]
    if executor.size > 1:
        checks.append(_messages(executor))
    found: torch.device | None
    try:
        found = executor.together(lambda: choose_device(device, executor.local_rank))
    except LandscapeError as error:
        said = executor.gather(str(error))[0]
        checks.append(Check("device", "error", said, "choose another --device"))
    else:
        hardware = find_hardware(executor, found)
        checks += [*ranks_check(hardware), memory_check(hardware), point_check(executor, found)]
        checks += gradients_check(executor, found)
    checks.append(executor.lead(lambda: _files(folder)))
    return executor, checks


def _world() -> tuple[Executor, list[Check]]:
    """The ranks, and what MPI says of itself."""
    try:
        executor = find_executor()
    except UsageError as error:
        return SerialExecutor(), [Check("mpi", "error", str(error))]
    library = executor.describe()["library"]
    if library is None:
        detail = "not used without a launcher; mpiexec -n 2 landscape doctor tries it"
        return executor, [Check("mpi", "ok", detail)]
    level = executor.threads()
    good = level in ("MPI_THREAD_SERIALIZED", "MPI_THREAD_MULTIPLE")
    remedy = "" if good else "use an MPI library that gives at least MPI_THREAD_SERIALIZED"
    return executor, [Check("mpi", "ok" if good else "warning", f"{library}, {level}", remedy)]


def _versions(executor: Executor) -> Check:
    """The software of rank 0, and whether it is that of all."""
    everywhere = executor.gather((socket.gethostname(), versions()))
    if found := other_versions(everywhere):
        return Check("versions", "error", found)
    listed = ", ".join(f"{name} {version}" for name, version in everywhere[0][1].items())
    if "mpi4py" in everywhere[0][1]:
        return Check("versions", "ok", listed)
    remedy = "pip install 'landscape-cli[mpi]', or '[mpich]', to use several ranks"
    return Check("versions", "warning", f"{listed}, no mpi4py", remedy)


def _launcher(executor: Executor) -> Check:
    """What could start ranks here."""
    found = launchers()
    if found or executor.size > 1:
        return Check("launcher", "ok", ", ".join(found) or "not on the path, but it started this")
    remedy = "pip install 'landscape-cli[mpich]', or load your site's MPI module"
    return Check("launcher", "warning", "neither mpiexec nor srun is found", remedy)


def _tasks(executor: Executor) -> Check:
    """Whether the tasks that a launcher started see each other."""
    if found := separate_tasks(executor):
        return Check("world", "error", found)
    return Check("world", "ok", f"{executor.size} rank{'s' * (executor.size > 1)}")


def _messages(executor: Executor) -> Check:
    """How fast the ranks talk."""
    speeds = try_messages(executor)
    detail = (
        f"64 MiB broadcast at {speeds.broadcast / MEGABYTE:.0f} MB/s, "
        f"gathered at {speeds.gather / MEGABYTE:.0f} MB/s"
    )
    if not speeds.intact:
        remedy = "the MPI library or its network is broken; ask your site"
        return Check("messages", "error", f"{detail}, but not as they were sent", remedy)
    if min(speeds.broadcast, speeds.gather) < SLOW_MESSAGES:
        remedy = "that is slow; does MPI use the fast network of the nodes?"
        return Check("messages", "warning", detail, remedy)
    return Check("messages", "ok", detail)


def _files(folder: Path) -> Check:
    """Whether rank 0 can write surfaces in a folder."""
    place = folder.absolute()
    try:
        trial = try_folder(place)
    except StoreError as error:
        remedy = "make the folder, or name another that you may write to"
        return Check("files", "error", str(error), remedy)
    detail = (
        f"{place}: written, synced, replaced and read back in {trial.seconds:.3f} s, "
        f"{trial.free / GIBIBYTE:.1f} GiB free"
    )
    if trial.warnings:
        return Check("files", "warning", f"{detail}; {trial.warnings[0]}")
    if trial.free < LEAST_FREE:
        return Check("files", "warning", detail, "make room, or name another folder")
    if trial.seconds > SLOW_PUBLISHING:
        remedy = "that is slow; a run publishes less often there, and loses more if it is killed"
        return Check("files", "warning", detail, remedy)
    return Check("files", "ok", detail)
