"""The doctor in one process and on several ranks, with and without faults."""

import re

import pytest

from landscape_cli.cli import cli
from landscape_cli.cli.error_report import run as run_command
from landscape_cli.run.doctor import examination
from landscape_cli.run.doctor.hardware import (
    RankHardware,
    gradients_check,
    judge_gradients,
    memory_check,
    point_check,
    ranks_check,
)
from landscape_cli.run.doctor.trials import Messages
from landscape_cli.run.setup.rank_consistency import other_versions
from landscape_cli.run.setup.records import RankPlacement

ALL = [
    *("mpi", "versions", "launcher", "world", "ranks", "processor"),
    *("memory", "one point", "gradients", "files"),
]


def table(text):
    """Return the state and text of each check by its name; the last line if there are several."""
    found = [re.fullmatch(r"(ok|warning|error) +(\S.{9}) (.*)", line) for line in text.splitlines()]
    assert all(found), text
    return {line[2].strip(): (line[1], line[3]) for line in found}


@pytest.mark.slow
def test_one_process_without_a_launcher(workplace, capsys):
    assert run_command(cli, ["doctor", "--device", "cpu"]) == 0
    out, err = capsys.readouterr()
    lines = table(out)
    assert list(lines) == ALL
    assert lines["mpi"][1].startswith("not used without a launcher")
    assert all(name in lines["versions"][1] for name in ("python 3.", "torch ", "numpy ", "h5py "))
    assert lines["world"] == ("ok", "1 rank")
    assert re.search(r": rank 0 cpu \([^)]+\), \d+ threads?$", lines["ranks"][1])
    assert re.match(r"\d+\.\d of \d+\.\d GiB free on \S+ cpu( \(limit: |$)", lines["memory"][1])
    assert re.fullmatch(r"loss \d\.\d+", lines["one point"][1])
    state, gradients = lines["gradients"]
    assert state == "ok"
    assert re.match(r"\S+: right", gradients)
    state, files = lines["files"]
    assert state in ("ok", "warning")  # a test may run on a small disk
    assert files.startswith(f"{workplace.folder}: written, synced, replaced and read back in ")
    assert err == ""
    assert [path.name for path in workplace.folder.iterdir()] == ["example.py"]


@pytest.fixture
def no_gradients(monkeypatch):
    """Skip the check of gradients, which takes seconds."""
    monkeypatch.setattr(examination, "gradients_check", lambda executor, device: [])


@pytest.mark.parametrize("folder", ["nowhere", "example.py", "example.py/below"])
@pytest.mark.usefixtures("no_gradients")
def test_a_folder_that_can_t_be_written_is_an_error(workplace, capsys, folder):
    assert run_command(cli, ["doctor", folder]) == 1
    lines = table(capsys.readouterr().out)
    assert lines["files"] == (
        "error",
        f"{workplace.folder / folder} is not a folder; create it, or name a folder that you can "
        "write to",
    )
    assert [state for state, _ in lines.values()].count("error") == 1


def test_a_missing_device_is_an_error(workplace, capsys):
    assert run_command(cli, ["doctor", "--device", "cuda:99"]) == 1
    lines = table(capsys.readouterr().out)
    assert lines["device"][0] == "error"
    assert "no 'cuda:99' here" in lines["device"][1]
    assert lines["files"][0] != "error"
    assert "one point" not in lines


@pytest.mark.mpi
@pytest.mark.slow
def test_two_ranks_also_check_their_messages(workplace):
    done = workplace.run("doctor", ranks=2)
    assert done.returncode == 0, done.stderr
    lines = table(done.stdout)
    assert sorted(lines) == sorted([*ALL, "messages"])
    assert re.search(r", MPI_THREAD_\w+$", lines["mpi"][1])
    assert lines["world"] == ("ok", "2 ranks")
    speeds = re.fullmatch(
        r"64 MiB broadcast at (\d+) MB/s, gathered at (\d+) MB/s.*", lines["messages"][1]
    )
    assert int(speeds[1]) > 0
    assert int(speeds[2]) > 0
    assert re.search(r": rank 0 (cpu \([^)]+\), 1 thread); rank 1 \1$", lines["ranks"][1])
    assert lines["one point"][0] == "ok"
    assert lines["one point"][1].endswith(" on every rank")


@pytest.mark.mpi
@pytest.mark.slow
def test_tasks_in_separate_mpi_worlds_are_an_error(workplace, monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "0")
    first = workplace.start("doctor")
    monkeypatch.setenv("OMPI_COMM_WORLD_RANK", "1")
    second = workplace.start("doctor")
    shown, _ = first.communicate(timeout=60)
    assert first.returncode == 1
    state, text = table(shown)["world"]
    assert state == "error"
    assert text.startswith("2 tasks were started together, but ")
    shown, _ = second.communicate(timeout=60)
    assert (second.returncode, shown) == (1, "")


class Ranks:
    """An executor whose ranks return these values."""

    rank = 0
    size = 2

    def __init__(self, *values):
        self.values = list(values)

    def gather(self, value):
        return self.values


@pytest.mark.parametrize(
    ("values", "state", "words"),
    [
        ((0.5, 0.5), "ok", "loss 0.5 on every rank"),
        ((0.5, 0.5000001), "warning", "1e-07 apart"),
        ((0.5, 0.6), "error", "loss 0.5, 0.6, by rank"),
        ((0.5, float("nan")), "error", "loss 0.5, nan, by rank"),
        ((0.5, "RuntimeError: no kernel"), "error", "rank 1: RuntimeError: no kernel"),
    ],
)
def test_values_of_ranks_are_compared(values, state, words):
    import torch

    check = point_check(Ranks(*values), torch.device("cpu"))
    assert check.state == state
    assert words in check.detail
    assert bool(check.remedy) == (state != "ok")


@pytest.mark.parametrize(
    ("speeds", "state"),
    [
        (Messages(1e9, 1e8, True), "ok"),
        (Messages(1e9, 1e7, True), "warning"),
        (Messages(1e9, 1e9, False), "error"),
    ],
)
def test_messages_are_judged(monkeypatch, speeds, state):
    monkeypatch.setattr(examination, "try_messages", lambda executor: speeds)
    assert examination._check_messages(Ranks()).state == state


@pytest.mark.parametrize(
    ("guarded", "bare", "state", "detail"),
    [
        (None, None, "ok", "node1: right in every memory format"),
        (None, "killed by SIGSEGV", "ok", "node1: right, but PyTorch alone damages those of"),
        ("relative error 0.5", "no end after 60 s", "error", "node1: wrong (relative error 0.5)"),
    ],
)
def test_gradients_are_judged(guarded, bare, state, detail):
    check = judge_gradients("node1", guarded, bare)
    assert check.state == state
    assert check.detail.startswith(detail)
    assert bool(check.remedy) == bool(guarded or bare)
    assert (bare or "") in check.detail or state == "error"


@pytest.mark.slow
def test_gradients_are_checked_once_per_host_and_not_on_gpus():
    import torch

    class Rank:
        local_rank = 1

        def gather(self, item):
            return [item]

    assert gradients_check(Rank(), torch.device("cpu")) == []
    Rank.local_rank = 0
    assert gradients_check(Rank(), torch.device("cuda", 0)) == []
    (check,) = gradients_check(Rank(), torch.device("cpu"))
    assert (check.name, check.state) == ("gradients", "ok")


def gpu(uuid, free=8 << 30):
    placement = RankPlacement("node1", "cuda:0", threads=8, identity=f"GPU-{uuid}")
    return RankHardware(placement, free, 80 << 30, gpu="NVIDIA H100")


def test_a_gpu_for_each_rank_is_fine_and_sharing_one_is_not():
    (line,) = ranks_check([gpu("a"), gpu("b")])
    assert line.state == "ok"
    assert line.detail == (
        "node1: rank 0 cuda:0 (NVIDIA H100, GPU-a), 8 threads; "
        "rank 1 cuda:0 (NVIDIA H100, GPU-b), 8 threads"
    )
    _, sharing = ranks_check([gpu("a"), gpu("b"), gpu("a")])
    assert (sharing.state, sharing.detail) == ("warning", "node1: 2 ranks share GPU-a")


def test_little_memory_is_a_warning():
    assert memory_check([gpu("a"), gpu("b")]).detail == "8.0 of 80.0 GiB free on node1 cuda:0"
    assert memory_check([gpu("a"), gpu("b", 1 << 20)]).state == "warning"


def test_a_limit_on_memory_is_named():
    cpu = RankHardware(RankPlacement("node1", "cpu", 1), 1 << 29, 1 << 30, bound="cgroup /job_7")
    check = memory_check([cpu])
    assert check.detail == "0.5 of 1.0 GiB free on node1 cpu (limit: cgroup /job_7)"
    assert (check.state, check.remedy) == ("warning", "allow the job more memory")


def test_the_first_differing_version_is_named():
    first = ("one", {"python": "3.12", "torch": "2.6", "numpy": "2.1", "h5py": "3.1"})
    assert other_versions([first, ("two", {**first[1], "h5py": "3.2"})]) is None
    assert other_versions([first, ("two", {**first[1], "torch": "2.5"})]) == (
        "rank 1 on two has torch 2.5, but rank 0 on one has 2.6; "
        "start every rank in the same environment"
    )
