"""Jobs in which a rank fails in an unforeseen way, and other unusual ends."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builders import surface
from landscape_cli.store import read_surface, write_surface

PROBLEM = """
import ctypes
import os
import signal
import sys
import time

from example import rank, regression
from landscape_cli.problems import Problem


def vanish(how):
    if how == "vanish by a signal":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "vanish in C code":
        ctypes.CDLL(None)._exit(0)
    os._exit(int(how[-1]))


HERE = rank() == os.environ.get("FAILING_RANK", "1")


def build(how):
    problem, points = regression(), []
    if HERE and how == "exit":
        sys.exit(3)
    if HERE and how == "raise":
        raise ValueError("no data on this node")

    class Split(list):
        def __iter__(self):
            if HERE and how == "exit while loading":
                sys.exit(0)
            return super().__iter__()

    def objective(model, batch):
        if HERE and how == "segfault":
            ctypes.string_at(0)
        if HERE and how == "exit while computing" and os.path.exists("surface.h5"):
            sys.exit(0)
        if how.startswith("vanish") and os.path.exists("surface.h5"):
            points.append(1)
            time.sleep(0.01)
            if HERE and len(points) == 200:
                vanish(how)
        return problem.objective(model, batch)

    batch = problem.splits["train"].tensors
    return Problem(problem.model, {"train": Split([batch])}, objective)
"""


@pytest.fixture
def failed_job(workplace):
    """Return a function that runs a problem failing on rank 1, and checks that it ends soon."""

    def run(how):
        workplace.write("failing.py", PROBLEM)
        grid = {"x": [-1, 1, 50], "y": [-1, 1, 50]}
        config = workplace.config("failing:build", grid=grid, problem_args={"how": how})
        start = time.monotonic()
        done = workplace.run("compute", config, "-q", ranks=2, cold=True)
        assert time.monotonic() - start < 30  # 10 s after the failure, plus the start
        assert done.returncode != 0
        assert not (workplace.folder / "surface.h5.lock").exists() or how in ABRUPT
        return done

    return run


ABRUPT = ("segfault", "exit while loading")
"""Failures that leave rank 0 no time to clean up."""


def our_lines(done):
    """Return our lines on standard error; Open MPI's launcher adds others."""
    return [line for line in done.stderr.splitlines() if line.startswith("landscape: ")]


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.mpi
@pytest.mark.parametrize(("how", "cause"), [("exit", "SystemExit: 3"), ("raise", "ValueError: no")])
def test_a_rank_on_which_the_problem_fails_is_named(failed_job, how, cause):
    done = failed_job(how)
    assert done.returncode == 2
    (line,) = our_lines(done)
    assert line.startswith(f"landscape: rank 1 on {socket.gethostname()}: problem: failing:build(")
    assert cause in line


@pytest.mark.mpi
@pytest.mark.parametrize("how", ["exit while loading", "exit while computing"])
def test_a_rank_that_exits_ends_all_ranks(failed_job, how):
    done = failed_job(how)
    assert f"rank 1 on {socket.gethostname()}" in done.stderr
    assert done.stderr.count("SystemExit: 0") == 1
    assert "failing.py" in done.stderr


def check_vanished(done, rank, how, path):
    """Check that a rank that vanished after 200 points is named, and what it left."""
    assert done.returncode == 1
    (said,) = our_lines(done)
    line = rf"rank {rank} on {socket.gethostname()} was (at|in the tile from) \(.*\) and {how}"
    assert re.fullmatch(rf"landscape: {line}; ending all ranks", said)
    left = int(re.search(r"failed with (\d+) points left to do", done.stdout)[1])
    surface = read_surface(path)
    assert surface.done == 2500 - left
    assert (surface.rank == rank).sum() > 50
    assert not path.with_name("surface.h5.lock").exists()


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("rank", "how", "said"),
    [
        pytest.param("1", "vanish with 0", r"called os._exit\(0\)", marks=pytest.mark.slow),
        pytest.param("0", "vanish with 0", r"called os._exit\(0\)", marks=pytest.mark.slow),
        pytest.param("1", "vanish with 3", r"called os._exit\(3\)", marks=pytest.mark.slow),
        pytest.param("1", "vanish by a signal", "was killed by SIGKILL", marks=pytest.mark.slow),
        pytest.param(
            *("1", "vanish in C code", "ended with exit code 0"),
            marks=[pytest.mark.slow, pytest.mark.openmpi],
        ),
    ],
)
def test_a_rank_that_vanishes_is_named(failed_job, workplace, monkeypatch, rank, how, said):
    monkeypatch.setenv("FAILING_RANK", rank)
    check_vanished(failed_job(how), int(rank), said, workplace.folder / "surface.h5")


@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("how", ["vanish by a signal", "vanish in C code"])
def test_rank_0_that_vanishes_is_named_and_unlocked(failed_job, workplace, monkeypatch, how):
    monkeypatch.setenv("FAILING_RANK", "0")
    done = failed_job(how)
    assert done.returncode != 0
    (said,) = our_lines(done)
    ended = "was killed by SIGKILL" if how.endswith("signal") else "ended with exit code 0"
    line = rf"rank 0 on {socket.gethostname()} was (at|in the tile from) \(.*\) and {ended}"
    assert re.fullmatch(rf"landscape: {line}; ending all ranks", said)
    assert not (workplace.folder / "surface.h5.lock").exists()
    assert read_surface(workplace.folder / "surface.h5").done > 0


@pytest.mark.slow
def test_a_single_process_that_vanishes_is_named(workplace, monkeypatch):
    monkeypatch.setenv("FAILING_RANK", "0")
    workplace.write("failing.py", PROBLEM)
    grid = {"x": [-1, 1, 50], "y": [-1, 1, 50]}
    config = workplace.config("failing:build", grid=grid, problem_args={"how": "vanish with 0"})
    done = workplace.run("compute", config, cold=True)
    check_vanished(done, 0, r"called os._exit\(0\)", workplace.folder / "surface.h5")


@pytest.mark.mpi
def test_a_crashing_rank_prints_where(failed_job):
    done = failed_job("segfault")
    assert "Fatal Python error: Segmentation fault" in done.stderr
    assert "failing.py" in done.stderr


@pytest.mark.slow
def test_an_exit_in_a_single_process_is_a_failure(workplace):
    workplace.write(
        "leaving.py",
        "import sys\nfrom dataclasses import replace\nfrom example import regression\n\n\n"
        "def build():\n    return replace(regression(), objective=lambda *_: sys.exit(0))\n",
    )
    done = workplace.run("compute", workplace.config("leaving:build"), cold=True)
    assert done.returncode == 1
    assert "leaving.py" in done.stderr
    assert not list(workplace.folder.glob("*.lock"))


@pytest.mark.slow
@pytest.mark.openmpi
@pytest.mark.mpi
def test_ranks_with_other_versions_are_refused(workplace):
    other = workplace.folder / "other" / "numpy-9.9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 9.9.9\n")
    launcher, *_ = workplace.command(ranks=1)
    program = [sys.executable, "-m", "landscape_cli", "compute", workplace.config()]
    path = os.pathsep.join(filter(None, [str(other.parent), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [launcher, "-n", "1", *program, ":", "-n", "1", "env", f"PYTHONPATH={path}", *program],
        cwd=workplace.folder,
        env=workplace.environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    (line,) = our_lines(done)
    assert f"rank 1 on {socket.gethostname()} has numpy 9.9.9, but rank 0 on" in line
    assert line.endswith("; start every rank in the same environment")
    assert not Path(workplace.folder, "surface.h5").exists()


def test_a_closed_pipe_is_no_error(workplace):
    """Check `landscape info surface.h5 --json | head -1`."""
    write_surface("surface.h5", surface(lambda x, y: x + y, "-1:1:9", "-1:1:300"))
    process = subprocess.Popen(
        ["bash", "-c", 'exec "$@" | true', "-", *workplace.command("info", "surface.h5", "--json")],
        cwd=workplace.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _, errors = process.communicate(timeout=60)
    assert errors == ""
