"""PyTorch's process group of a group of ranks, through which they exchange parts of tensors."""

from __future__ import annotations

import atexit
import contextlib
import socket
from typing import TYPE_CHECKING, Any

import torch

from landscape_cli.errors import UsageError, cause
from landscape_cli.parallel.group import Group
from landscape_cli.util.host_memory import give_back_large_blocks

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh

BACKENDS = {"cpu": "gloo", "cuda": "nccl", "xpu": "xccl"}
"""The backend for tensors on each type of device."""

_meshes: dict[tuple[int, ...], DeviceMesh] = {}
"""The mesh of this process, by the ranks of its group."""


def mesh_of(group: Group, device: torch.device) -> DeviceMesh:
    """Return the mesh of a group's ranks; called by all of them.

    Each group has a store of its own, on a port that its leader's system chooses.

    Args:
        group: the group.
        device: the device of this rank.

    Raises:
        UsageError: if the ranks can't exchange tensors, or the problem has begun to do so itself.
    """
    if group.ranks in _meshes:
        return _meshes[group.ranks]
    if (backend := BACKENDS.get(device.type)) is None:
        raise UsageError(
            f"ranks_per_model: {group.size} needs a device whose ranks can exchange tensors: "
            f"{', '.join(BACKENDS)}; this one is {device.type}"
        )
    _refuse_shared(group, device)
    if device.type == "cpu":
        give_back_large_blocks()  # such as the parts that are gathered for each forward pass
    try:
        return _open(group, device, backend)
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(
            f"ranks_per_model: the {group.size} ranks of a group on {', '.join(set(group.hosts))} "
            f"can't exchange tensors through {backend}: {cause(error)}"
        ) from error


def _refuse_shared(group: Group, device: torch.device) -> None:
    """Refuse ranks of one group on the same accelerator."""
    places = group.gather((group.hosts[group.member], str(device)))
    if device.type != "cpu" and len(set(places)) < len(places):
        raise UsageError(
            f"ranks_per_model: {group.size} needs an accelerator for each rank of a group, and "
            f"ranks {', '.join(map(str, group.ranks))} share some; start fewer ranks on each node"
        )


def _open(group: Group, device: torch.device, backend: str) -> DeviceMesh:
    from torch import distributed
    from torch._C._distributed_c10d import TCPStore
    from torch.distributed.device_mesh import init_device_mesh

    if distributed.is_initialized():
        raise UsageError(
            "ranks_per_model: torch.distributed has been initialized before, by the problem? leave "
            "that to this tool, and divide the model in Problem.parallelize"
        )
    host = "127.0.0.1" if len(set(group.hosts)) == 1 else socket.getfqdn(group.hosts[0])
    store, port = None, 0
    if group.leads:
        store = TCPStore(host, 0, group.size, True, wait_for_workers=False)
        port = store.port
    port = group.share(port)
    if store is None:
        store = TCPStore(host, port, group.size, False, wait_for_workers=False)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group(
        backend, store=store, rank=group.member, world_size=group.size, **_bound_to(device)
    )
    atexit.register(_close)
    _meshes[group.ranks] = init_device_mesh(device.type, (group.size,))
    return _meshes[group.ranks]


def _bound_to(device: torch.device) -> dict[str, Any]:
    """Return the option that binds a process group to an accelerator."""
    return {} if device.type == "cpu" else {"device_id": device}


def _close() -> None:
    from torch import distributed

    with contextlib.suppress(Exception):  # other ranks may be gone
        distributed.destroy_process_group()
