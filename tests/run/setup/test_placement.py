"""The device of each rank by what it sees, and ranks that share a device or a host."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from types import SimpleNamespace

import pytest
import torch

from landscape_cli.errors import UsageError
from landscape_cli.evaluation.devices import visible_devices
from landscape_cli.run.report import _rank_lines
from landscape_cli.run.setup.placement import assign_device, count_sharing, place_ranks
from landscape_cli.run.setup.records import RankPlacement
from landscape_cli.util import accelerators
from support.command_line import mpiexec

PLACEMENTS = [
    RankPlacement(host, device, 1)
    for host, device in [("a", "cpu"), ("a", "cuda:1"), ("a", "cpu"), ("b", "cpu")]
]


@pytest.mark.parametrize(("rank", "counts"), [(0, (2, 3)), (1, (1, 3)), (2, (2, 3)), (3, (1, 1))])
def test_ranks_on_the_same_device_and_host_are_counted(rank, counts):
    assert count_sharing(PLACEMENTS, rank) == counts


UUIDS = [f"{number}{number}-uuid" for number in range(4)]
own = threading.local()


class Environment(Mapping):
    """The environment of a rank: the process's, and what its launcher set for it."""

    def __getitem__(self, key):
        return getattr(own, "environment", {}).get(key) or os.environ[key]

    def __iter__(self):
        return iter({**os.environ, **getattr(own, "environment", {})})

    def __len__(self):
        return len(list(iter(self)))


class Ranks:
    """Ranks that are threads; what a method needs of an executor."""

    def __init__(self, size):
        self.size = size
        self._meeting = threading.Barrier(size, timeout=30)
        self._values = [None] * size

    @property
    def rank(self):
        return own.rank

    def together(self, function):
        return function()

    def gather(self, value):
        self._values[own.rank] = value
        self._meeting.wait()
        values = list(self._values)
        self._meeting.wait()
        return values


@pytest.fixture
def node(monkeypatch):
    """Return a function that starts ranks that see these GPUs, and returns what each one gives.

    A rank's GPUs are numbers of the node's; it calls the first one it sees 0.
    """
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(own.sees))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(own.sees))
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda device: SimpleNamespace(name="H100", uuid=UUIDS[own.sees[device.index]]),
    )
    monkeypatch.setattr(accelerators, "os", SimpleNamespace(environ=Environment()))
    monkeypatch.setattr("landscape_cli.run.setup.placement.set_threads", lambda *_: 1)

    def start(visible, function, environments=None):
        ranks, results = Ranks(len(visible)), [None] * len(visible)

        def run(rank):
            own.rank, own.sees = rank, visible[rank]
            own.environment = environments[rank] if environments else {}
            try:
                results[rank] = function(ranks)
            except Exception as error:
                results[rank] = error
                ranks._meeting.abort()

        threads = [threading.Thread(target=run, args=(rank,)) for rank in range(len(visible))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return start


def physical(visible, devices):
    """Return the number on the node of each rank's device."""
    return [sees[device.index] for sees, device in zip(visible, devices, strict=True)]


BINDINGS = {
    "none": ([[0, 1, 2, 3]] * 4, [0, 1, 2, 3]),
    "--gpus-per-task=1": ([[0], [1], [2], [3]], [0, 1, 2, 3]),
    "--ntasks-per-gpu=2": ([[0], [0], [1], [1]], [0, 0, 1, 1]),
    "--gpu-bind=closest, cyclic": ([[0, 1], [2, 3], [0, 1], [2, 3]], [0, 2, 1, 3]),
    "--gpu-bind=closest, block": ([[0, 1], [0, 1], [2, 3], [2, 3]], [0, 1, 2, 3]),
    "--gpu-bind=map_gpu:3,2,1,0": ([[3], [2], [1], [0]], [3, 2, 1, 0]),
    "--gpu-bind=single:2": ([[0], [0], [1], [1]], [0, 0, 1, 1]),
    "overlapping": ([[0, 1, 2, 3], [0, 1], [0], [1, 2]], [3, 1, 0, 2]),
}


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_ranks_spread_over_the_gpus_however_slurm_binds_them(node, binding, wanted, monkeypatch):
    if hasattr(torch, "accelerator"):
        found = torch.device("cuda")
        monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: found)
    visible, expected = BINDINGS[binding]
    devices = node(visible, lambda ranks: assign_device(ranks, wanted))
    found = physical(visible, devices)
    assert sorted(found) == sorted(expected)
    if binding != "overlapping":
        assert found == expected


def test_a_number_is_the_rank_s_own(node):
    visible = [[0, 1], [2, 3], [1, 0]]
    devices = node(visible, lambda ranks: assign_device(ranks, "cuda:1"))
    assert physical(visible, devices) == [1, 3, 0]


def test_instances_of_a_divided_gpu_differ_by_their_own_uuid(node):
    """CUDA shows a process one instance, and may give the UUID of the whole GPU for it."""
    visible = [[0], [0], [0]]
    mine = [{"CUDA_VISIBLE_DEVICES": f"MIG-{name}"} for name in ("p", "q", "q")]
    placements = node(
        visible, lambda ranks: place_ranks(ranks, [assign_device(ranks, "cuda")], 1), mine
    )
    assert [one.identity for one in placements[0]] == ["MIG-p", "MIG-q", "MIG-q"]
    assert [count_sharing(placements[0], rank)[0] for rank in range(3)] == [1, 2, 2]


def test_a_mask_with_numbers_relative_to_the_rank_s_own_view_is_no_identity(node):
    """With constrained devices, Slurm tells every task that it has GPU 0, whichever that is."""
    visible, masks = [[2], [3]], [{"CUDA_VISIBLE_DEVICES": "0"}] * 2
    placements = node(
        visible, lambda ranks: place_ranks(ranks, [assign_device(ranks, "cuda")], 1), masks
    )
    assert [one.identity for one in placements[0]] == [f"GPU-{UUIDS[2]}", f"GPU-{UUIDS[3]}"]
    assert not any(line.startswith("warning") for line in _rank_lines(placements[0]))


def test_ranks_that_share_a_gpu_under_different_numbers_are_named(node):
    visible = [[0, 1], [2], [2, 1]]
    placements = node(
        visible, lambda ranks: place_ranks(ranks, [assign_device(ranks, "cuda:0")], 1)
    )
    warnings = [line for line in _rank_lines(placements[0]) if line.startswith("warning")]
    host = placements[0][0].host
    assert warnings == [f"warning: 2 ranks share cuda:0 on {host} (ranks 1, 2)"]
    assert [count_sharing(placements[0], rank)[0] for rank in range(3)] == [1, 2, 2]


def test_a_rank_without_a_gpu_is_an_error(node):
    results = node([[0], []], lambda ranks: assign_device(ranks, "cuda"))
    assert any(
        isinstance(error, UsageError) and "no 'cuda' here; torch sees 0 cuda devices" in str(error)
        for error in results
    )


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            "gpu",
            "got 'gpu', expected auto, cpu, or an accelerator such as cuda, cuda:1, xpu or mps",
        ),
        ("cuda:9", "no 'cuda:9' here; torch sees"),
        ("vulkan", "'vulkan' is not supported"),
        ("cuda:-1", "got 'cuda:-1', expected"),
        ("", "got '', expected"),
    ],
)
def test_devices_that_are_not_there_are_refused(wanted, words):
    with pytest.raises(UsageError, match=f"^device: {words}"):
        visible_devices(wanted)


def test_a_cpu_has_no_number():
    assert visible_devices("cpu") == visible_devices("cpu:0") == (torch.device("cpu"),)


SCRIPT = """
import os, torch
from types import SimpleNamespace
from landscape_cli.parallel.mpi import MPIExecutor
from landscape_cli.run.setup.placement import assign_device

executor = MPIExecutor()
sees = [[0, 1], [2, 3]][executor.rank % 2]
torch.cuda.is_available, torch.cuda.device_count = lambda: True, lambda: 2
torch.cuda.get_device_properties = lambda device: SimpleNamespace(uuid=f"gpu{sees[device.index]}")
device = assign_device(executor, "cuda")
taken = executor.gather(sees[device.index])
if executor.rank == 0:
    print(*taken)
"""


@pytest.mark.mpi
@pytest.mark.slow
def test_four_real_ranks_bound_to_the_closest_gpus_take_all_four(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [mpiexec(), "-n", "4", sys.executable, tmp_path / "script.py"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "2", "1", "3"]
