"""The examination of everything that a run needs, as a list of checks."""

from __future__ import annotations

import socket
from pathlib import Path

import torch

from landscape_cli.errors import LandscapeError, StoreError, UsageError
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.executor_choice import find_executor, separate_tasks
from landscape_cli.parallel.launcher import launchers
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run.doctor.checks import GIBIBYTE, LEAST_FREE, Check, State
from landscape_cli.run.doctor.groups import groups_check
from landscape_cli.run.doctor.hardware import (
    find_hardware,
    gradients_check,
    memory_check,
    point_check,
    processor_check,
    ranks_check,
)
from landscape_cli.run.doctor.trials import try_messages
from landscape_cli.run.setup.placement import assign_device
from landscape_cli.run.setup.rank_consistency import other_versions
from landscape_cli.store import try_folder
from landscape_cli.util.versions import versions

MEGABYTE = 10**6

SLOW_MESSAGES = 50 * MEGABYTE
"""Bytes per second below which messages are called slow: about half of Gigabit Ethernet."""

SLOW_PUBLISHING = 1.0
"""Seconds to publish a small file above which a folder is called slow."""


def examine(folder: Path, device: str, ranks_per_model: int = 1) -> tuple[Executor, list[Check]]:
    """Run all checks; called by every rank, with the same list on each.

    Args:
        folder: the folder for surfaces.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``xpu`` or ``mps``, as for a run.
        ranks_per_model: number of ranks that are to hold a model together.
    """
    executor, checks = _check_mpi()
    checks += [_check_versions(executor), _check_launcher(executor), _check_world(executor)]
    if executor.size > 1:
        checks.append(_check_messages(executor))
    chosen: torch.device | None
    try:
        chosen = assign_device(executor, device)
    except LandscapeError as error:
        message = executor.gather(str(error))[0]
        checks.append(Check("device", "error", message, "choose another --device"))
    else:
        hardware = find_hardware(executor, chosen)
        checks += [*ranks_check(hardware), *processor_check(executor, chosen)]
        checks += [memory_check(hardware), point_check(executor, chosen)]
        checks += gradients_check(executor, chosen)
        if ranks_per_model > 1:
            checks.append(groups_check(executor, chosen, ranks_per_model))
    checks.append(executor.lead(lambda: _check_files(folder)))
    return executor, checks


def _check_mpi() -> tuple[Executor, list[Check]]:
    """Find the ranks, and check MPI's library and thread level."""
    try:
        executor = find_executor()
    except UsageError as error:
        return SerialExecutor(), [Check("mpi", "error", str(error))]
    library = executor.describe()["library"]
    if library is None:
        detail = "not used without a launcher; to test it, run mpiexec -n 2 landscape doctor"
        return executor, [Check("mpi", "ok", detail)]
    level = executor.threads()
    sufficient = level in ("MPI_THREAD_SERIALIZED", "MPI_THREAD_MULTIPLE")
    state: State = "ok" if sufficient else "warning"
    remedy = "" if sufficient else "use an MPI library with at least MPI_THREAD_SERIALIZED"
    return executor, [Check("mpi", state, f"{library}, {level}", remedy)]


def _check_versions(executor: Executor) -> Check:
    """Check that all ranks have the software of rank 0."""
    everywhere = executor.gather((socket.gethostname(), versions()))
    if difference := other_versions(everywhere):
        return Check("versions", "error", difference)
    listed = ", ".join(f"{name} {version}" for name, version in everywhere[0][1].items())
    if "mpi4py" in everywhere[0][1]:
        return Check("versions", "ok", listed)
    remedy = "pip install 'landscape-cli[mpi]', or '[mpich]', to use several ranks"
    return Check("versions", "warning", f"{listed}, no mpi4py", remedy)


def _check_launcher(executor: Executor) -> Check:
    """Check for a command that starts ranks."""
    found = launchers()
    if found or executor.size > 1:
        return Check(
            "launcher", "ok", ", ".join(found) or "not on the path, but it started these ranks"
        )
    remedy = "pip install 'landscape-cli[mpich]', or load your site's MPI module"
    return Check("launcher", "warning", "neither mpiexec nor srun was found", remedy)


def _check_world(executor: Executor) -> Check:
    """Check that the tasks of a launcher form one MPI world."""
    if problem := separate_tasks(executor):
        return Check("world", "error", problem)
    return Check("world", "ok", f"{executor.size} rank{'s' * (executor.size > 1)}")


def _check_messages(executor: Executor) -> Check:
    """Check the speed and integrity of messages between ranks."""
    speeds = try_messages(executor)
    detail = (
        f"64 MiB broadcast at {speeds.broadcast / MEGABYTE:.0f} MB/s, "
        f"gathered at {speeds.gather / MEGABYTE:.0f} MB/s"
    )
    if not speeds.intact:
        remedy = "the MPI library or its network is broken; ask your site"
        return Check("messages", "error", f"{detail}, but the data arrived altered", remedy)
    if min(speeds.broadcast, speeds.gather) < SLOW_MESSAGES:
        remedy = "this is slow; does MPI use the fast network of the nodes?"
        return Check("messages", "warning", detail, remedy)
    return Check("messages", "ok", detail)


def _check_files(folder: Path) -> Check:
    """Check that rank 0 can write surfaces to a folder."""
    place = folder.absolute()
    try:
        trial = try_folder(place)
    except StoreError as error:
        remedy = "create it, or name a folder that you can write to"
        return Check("files", "error", str(error), remedy)
    detail = (
        f"{place}: written, synced, replaced and read back in {trial.seconds:.3f} s, "
        f"{trial.free / GIBIBYTE:.1f} GiB free"
    )
    if trial.warnings:
        return Check("files", "warning", f"{detail}; {trial.warnings[0]}")
    if trial.free < LEAST_FREE:
        return Check("files", "warning", detail, "free some space, or name another folder")
    if trial.seconds > SLOW_PUBLISHING:
        remedy = "this is slow; a run publishes less often here, and loses more if it is killed"
        return Check("files", "warning", detail, remedy)
    return Check("files", "ok", detail)
