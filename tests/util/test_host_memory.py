"""The memory that a process may use: the machine's, its control groups', its own limits."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landscape_cli.evaluation.devices import free_memory, total_memory
from landscape_cli.util.cgroups import memory_groups
from landscape_cli.util.host_memory import HostMemory, host_memory

MIB = 1 << 20
GIB = 1 << 30
NO_LIMIT = 9223372036854771712  # what version 1 writes for none

V2 = "25 24 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "30 24 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
OTHER = "31 24 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"


class Machine:
    """A folder with the files of a machine's ``/proc`` and ``/sys``."""

    def __init__(self, root, free=64 * GIB, total=128 * GIB):
        self.root = root
        self.write("proc/meminfo", f"MemTotal: {total >> 10} kB\nMemAvailable: {free >> 10} kB\n")
        self.write("proc/self/status", "VmSize:\t    2048 kB\nVmData:\t    1024 kB\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def mounted(self, mounts, membership):
        self.write("proc/self/mountinfo", "\n".join(mounts))
        self.write("proc/self/cgroup", membership)
        return self

    def v2(self, path, limit="max", used=0, cache=(0, 0), high="max"):
        folder = f"sys/fs/cgroup{path}"
        self.write(f"{folder}/memory.max", limit)
        self.write(f"{folder}/memory.high", high)
        self.write(f"{folder}/memory.current", used)
        stat = f"anon 5\nfile 9\ninactive_file {cache[0]}\nactive_file {cache[1]}"
        self.write(f"{folder}/memory.stat", stat)
        return self

    def v1(self, path, limit=NO_LIMIT, used=0, cache=(0, 0), hierarchy=NO_LIMIT):
        folder = f"sys/fs/cgroup/memory{path}"
        self.write(f"{folder}/memory.limit_in_bytes", limit)
        self.write(f"{folder}/memory.usage_in_bytes", used)
        stat = f"cache 1\nactive_file 1\nhierarchical_memory_limit {hierarchy}\n"
        stat += f"total_inactive_file {cache[0]}\ntotal_active_file {cache[1]}"
        self.write(f"{folder}/memory.stat", stat)
        return self


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_without_control_groups_it_is_what_the_kernel_calls_available(machine):
    assert host_memory(machine.root) == HostMemory(64 * GIB, 128 * GIB)


def test_a_job_of_slurm_is_bounded_by_its_own_limit(machine):
    job = "/system.slice/slurmstepd.scope/job_7"
    machine.mounted([OTHER, V2], f"0::{job}/step_0/user/task_0")
    machine.v2(f"{job}/step_0/user/task_0", used=GIB).v2(f"{job}/step_0/user", used=GIB)
    machine.v2(f"{job}/step_0", 4 * GIB, used=GIB).v2(job, 4 * GIB, used=2 * GIB)
    machine.v2("/system.slice/slurmstepd.scope", used=9 * GIB).v2("/system.slice")
    assert host_memory(machine.root) == HostMemory(2 * GIB, 4 * GIB, f"cgroup {job}")


@pytest.mark.parametrize("level", range(3))
def test_the_least_of_all_levels_counts(machine, level):
    path = ["/a/b/c", "/a/b", "/a"]
    machine.mounted([V2], "0::/a/b/c")
    for each in range(3):
        machine.v2(path[each], GIB if each == level else 2 * GIB, used=MIB)
    found = host_memory(machine.root)
    assert (found.free, found.bound) == (GIB - MIB, f"cgroup {path[level]}")


def test_the_page_cache_counts_as_free(machine):
    machine.mounted([V2], "0::/a").v2("/a", GIB, used=GIB - MIB, cache=(300 * MIB, 200 * MIB))
    assert host_memory(machine.root).free == 501 * MIB


def test_version_1_counts_the_children_too(machine):
    machine.mounted([OTHER, V1], "9:cpu,cpuacct:/x\n4:memory:/slurm/uid_0/job_7\n0::/y")
    machine.v1("").v1("/slurm/uid_0")
    machine.v1("/slurm/uid_0/job_7", GIB, used=700 * MIB, cache=(100 * MIB, 50 * MIB))
    assert host_memory(machine.root) == HostMemory(
        GIB - 550 * MIB, GIB, "cgroup /slurm/uid_0/job_7"
    )


def test_version_1_tells_of_parents_that_are_not_visible(machine):
    machine.mounted([V1], "4:memory:/").v1("", used=100 * MIB, hierarchy=GIB)
    assert host_memory(machine.root).free == GIB - 100 * MIB


@pytest.mark.parametrize("path", ["/", "/docker/abc", "/../../elsewhere", "/not/mounted/here"])
def test_in_a_container_the_mounted_group_is_its_own(machine, path):
    mount = V2.replace(" / ", " /docker/abc ") if path == "/docker/abc" else V2
    machine.mounted([mount], f"0::{path}").v2("", GIB, used=MIB)
    assert host_memory(machine.root).free == GIB - MIB


def test_a_mount_point_with_spaces_is_found(machine):
    machine.mounted([V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/a\\040b")], "0::/c")
    machine.v2("/a b/c", GIB)
    assert host_memory(machine.root).free == GIB


def test_a_soft_limit_at_which_the_kernel_throttles_counts(machine):
    machine.mounted([V2], "0::/a").v2("/a", 4 * GIB, used=GIB, high=2 * GIB)
    assert host_memory(machine.root).free == GIB


def test_more_in_use_than_allowed_is_nothing_free(machine):
    machine.mounted([V2], "0::/a").v2("/a", GIB, used=2 * GIB)
    assert host_memory(machine.root).free == 0


@pytest.mark.parametrize(
    "damage",
    ["memory.max", "memory.current", "memory.stat"],
)
def test_damaged_files_of_a_group_are_passed_over(machine, damage):
    machine.mounted([V2], "0::/a").v2("/a", GIB)
    machine.write(f"sys/fs/cgroup/a/{damage}", "usage: much\nmuch")
    found = host_memory(machine.root).free
    assert found == (GIB if damage == "memory.stat" else 64 * GIB)


@pytest.mark.parametrize(
    "text", ["", "nonsense", "a b c - ", "25 24 0:22 / - cgroup2", " - cgroup"]
)
def test_an_odd_mount_table_is_no_error(machine, text):
    machine.mounted([text], "nonsense\n0::/a")
    assert list(memory_groups(machine.root)) == []


def test_shared_limits_are_divided_and_own_limits_are_not():
    assert HostMemory(100, 200, "cgroup /a").share(4) == 25
    assert HostMemory(100, 200, "RLIMIT_AS", own=True).share(4) == 100


def run(code, before=None):
    """Run code in a process of its own, with some memory limit set before; return its output."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=before,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process uses")
@pytest.mark.parametrize(("name", "limit"), [("RLIMIT_AS", GIB), ("RLIMIT_DATA", GIB // 2)])
def test_a_real_limit_of_the_process_bounds_what_can_be_allocated(name, limit):
    import resource

    allocate = (
        "from landscape_cli.util.host_memory import host_memory\n"
        "import mmap\n"
        "found = host_memory()\n"
        "print(found.bound, found.free)\n"
        "part = mmap.mmap(-1, int(found.free * 0.9), flags=mmap.MAP_PRIVATE)\n"
        "try:\n"
        "    mmap.mmap(-1, int(found.free * 0.2), flags=mmap.MAP_PRIVATE)\n"
        "    print('allocated more')\n"
        "except OSError:\n"
        "    print('no more')\n"
    )
    kind = getattr(resource, name)
    bound, free, *outcome = run(allocate, lambda: resource.setrlimit(kind, (limit, limit)))
    assert bound == name
    assert 0 < int(free) < limit
    assert outcome == ["no", "more"]


@pytest.fixture
def group(request):
    """A control group with a memory limit of 1 GiB below this process's own, or the root."""
    for parent, file in possible_parents():
        folder = parent / f"landscape-test-{os.getpid()}"
        with contextlib.suppress(OSError):
            folder.mkdir()
            try:
                (folder / file).write_text(str(GIB))
            except OSError:
                folder.rmdir()
                continue
            yield folder
            folder.rmdir()
            return
    pytest.skip("no control group with a memory limit can be made here (needs root, or delegation)")


def possible_parents():
    mounts = Path("/proc/self/mountinfo")
    for line in mounts.read_text().splitlines() if mounts.exists() else ():
        fields, _, kind = line.partition(" - ")
        folder = Path(fields.split()[4])
        if kind.startswith("cgroup2 "):
            yield folder, "memory.max"
        elif kind.startswith("cgroup ") and "memory" in kind.split()[-1].split(","):
            yield folder, "memory.limit_in_bytes"


def test_a_real_control_group_bounds_what_is_free(group):
    code = (
        "from landscape_cli.util.host_memory import host_memory\n"
        "import pathlib\n"
        "before = host_memory()\n"
        "data = b'x' * (256 << 20)\n"
        "print(before.bound.replace(' ', ':'), before.free, before.total, host_memory().free)\n"
        "file = pathlib.Path('/var/tmp/landscape-test-cache')\n"
        "try:\n"
        "    file.write_bytes(data)\n"
        "    del data\n"
        "    print(host_memory().free)\n"
        "finally:\n"
        "    file.unlink(missing_ok=True)\n"
    )

    def enter():
        (group / "cgroup.procs").write_text(str(os.getpid()))

    bound, before, total, holding, cached = run(code, enter)
    assert bound.startswith("cgroup:")
    assert bound.endswith(group.name)
    assert int(total) == GIB
    assert GIB - 200 * MIB < int(before) < GIB
    assert 200 * MIB < int(before) - int(holding) < 300 * MIB
    assert abs(int(before) - int(cached)) < 64 * MIB  # the written file is in the page cache only


def test_a_run_in_a_real_control_group_keeps_its_data_within_the_limit(group):
    """Room for data is half of the group's, not of the machine's; shared by the ranks."""
    code = (
        "import torch\n"
        "from landscape_cli.evaluation.data.cache import room_for\n"
        "cpu = torch.device('cpu')\n"
        "print(room_for('auto', cpu, 1, 1).device, room_for('auto', cpu, 2, 2).device)\n"
    )

    def enter():
        (group / "cgroup.procs").write_text(str(os.getpid()))

    alone, shared = map(int, run(code, enter))
    assert 0 < alone < GIB // 2
    assert shared == pytest.approx(alone / 2, rel=0.1)


PROBLEM = """
import torch
from torch.utils.data import IterableDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error


class Batches(IterableDataset):
    def __iter__(self):
        for number in range(200):  # 8 MiB each
            yield torch.full((1 << 21,), float(number)), torch.tensor([1.0])


def build():
    data = torch.utils.data.DataLoader(Batches(), batch_size=1)
    return Problem(torch.nn.Linear(1 << 21, 1), {"train": data}, mean_squared_error)
"""


@pytest.mark.alone
@pytest.mark.slow
def test_a_job_whose_data_exceed_its_memory_is_not_killed(group, tmp_path):
    """1600 MiB of data in a job of 1300 are read again for each tile, not kept."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        if (group / name).exists():
            (group / name).write_text(str(1300 * MIB))
    (tmp_path / "large.py").write_text(PROBLEM)
    (tmp_path / "run.yaml").write_text("problem: large:build\ngrid: {x: [-1, 1, 2]}\n")

    def enter():
        (group / "cgroup.procs").write_text(str(os.getpid()))

    done = subprocess.run(
        [sys.executable, "-m", "landscape_cli", "compute", "run.yaml", "--no-calibrate"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=enter,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, (done.returncode, done.stderr)
    assert "data: train at the source, read for each tile" in done.stderr


def test_the_cpu_has_what_the_host_has():
    cpu = torch.device("cpu")
    assert 0 < free_memory(cpu) <= total_memory(cpu)
    assert free_memory(cpu, 4) == pytest.approx(free_memory(cpu) / 4, rel=0.2)
