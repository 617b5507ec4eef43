"""Tests with real ranks: the same values on any number of ranks, and a quick end on failure."""

import json
import re
import time

import h5py
import numpy as np
import pytest

from landscape_cli.store import read_surface
from support.processes import kill_group, wait_until
from support.surfaces import forget


def arrays(path):
    """Return the arrays that must not depend on the ranks, by name."""
    found = {}
    with h5py.File(path) as file:
        for group in ("values", "stderr"):
            for split, members in file[group].items():
                for name, data in members.items():
                    found[group, split, name] = data[()]
        found["status"] = file["status"][()]
    return found


def same_bits(one, other):
    first, second = arrays(one), arrays(other)
    assert first.keys() == second.keys()
    for name, array in first.items():
        assert array.tobytes() == second[name].tobytes(), name


def compute_digits(workplace, ranks=None):
    """Compute a plane of the network on digits, and return the path of its surface."""
    config = workplace.config("example:digits_network", grid={"x": [-1, 1, 9], "y": [-1, 1, 7]})
    done = workplace.run("compute", config, ranks=ranks)
    assert done.returncode == 0, done.stderr
    path = workplace.folder / "surface.h5"
    assert f"wrote {path}\n" in done.stdout
    assert done.stdout.count("wrote") == 2
    surface = read_surface(path)
    assert surface.complete
    assert surface.provenance["runs"][0]["mpi"]["size"] == (ranks or 1)
    assert len(surface.provenance["runs"][0]["ranks"]) == (ranks or 1)
    return path


@pytest.fixture(scope="module")
def plain(new_workplace):
    """Compute the surface in one process, without MPI."""
    return compute_digits(new_workplace("plain"))


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [*(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2)), 4])
def test_files_are_the_same_on_any_number_of_ranks(workplace, plain, ranks):
    same_bits(plain, compute_digits(workplace, ranks))


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.parametrize("ranks", [pytest.param(None, marks=pytest.mark.slow), 2])
def test_a_killed_run_is_continued_to_the_same_bits(workplace, surface_of, ranks, monkeypatch):
    grid = {"x": [-1, 1, 12], "y": [-1, 1, 10]}
    fast = workplace.config(grid=grid, splits=["train"])
    surface_of(fast, "--set", "threads=1")
    slow = workplace.config("example:slow", "slow.yaml", grid=grid, output="slow.h5")
    process = workplace.start("compute", slow, ranks=ranks)
    path = workplace.folder / "slow.h5"
    wait_until(process, lambda: path.exists() and read_surface(path).done >= 10)
    kill_group(process)
    before = read_surface(path)
    assert 10 <= before.done < before.total
    monkeypatch.setenv("EXAMPLE_SECONDS", "0")
    ended = workplace.run("compute", slow, "--resume", ranks=ranks)
    assert ended.returncode == 0, ended.stderr
    assert f"{before.done} of 120 points are done" in ended.stderr
    assert len(read_surface(path).provenance["runs"]) == 2
    same_bits("surface.h5", path)
    kept = before.status.ravel() == 1
    np.testing.assert_array_equal(
        before.seconds.ravel()[kept], read_surface(path).seconds.ravel()[kept]
    )


@pytest.mark.parametrize(
    "ranks",
    [
        pytest.param(None, marks=pytest.mark.slow),
        pytest.param(2, marks=[pytest.mark.mpi, pytest.mark.slow]),
    ],
)
def test_a_killed_run_leaves_a_coarser_picture(workplace, landscape, ranks):
    grid = {"x": [-1, 1, 17], "y": [-1, 1, 17]}
    config = workplace.config("example:slow", grid=grid)
    process = workplace.start("compute", config, ranks=ranks)
    path = workplace.folder / "surface.h5"
    wait_until(process, lambda: path.exists() and read_surface(path).level)
    kill_group(process)
    facts = json.loads(landscape("info", path, "--json")[1])
    assert facts["level"] in ({"x": 5, "y": 5}, {"x": 9, "y": 9})
    level = " x ".join(map(str, facts["level"].values()))
    shown = landscape("info", path)[1]
    assert f"incomplete\n            complete down to {level} points\n" in shown
    code, _, errors = landscape("plot", path, "-o", "a.svg")
    assert code == 0, errors
    said = rf"\({level} of 17 x 17 points, \d+ % computed\)"
    assert re.search(said, (workplace.folder / "a.svg").read_text())
    code, _, errors = landscape("plot", path, "--raw", "-o", "raw.svg")
    assert code == 0, errors
    assert f"not computed ({289 - facts['done']} points)" in (
        (workplace.folder / "raw.svg").read_text()
    )


SLOW_RANK_0 = """
import os
import time

from example import rank, regression
from landscape_cli.problems import Problem


def build():
    problem = regression()

    def objective(model, batch):
        if os.path.exists("surface.h5"):  # set-up is over
            time.sleep(1000 if rank() == "0" else 0.05)
        return problem.objective(model, batch)

    return Problem(problem.model, {"train": problem.splits["train"]}, objective)
"""


@pytest.mark.mpi
@pytest.mark.slow
def test_results_are_published_while_rank_0_computes_a_slow_point(workplace):
    workplace.write("slow_rank_0.py", SLOW_RANK_0)
    grid = {"x": [-1, 1, 40], "y": [-1, 1, 40]}
    process = workplace.start("compute", workplace.config("slow_rank_0:build", grid=grid), ranks=2)
    path = workplace.folder / "surface.h5"

    def points_of_rank_1():
        return int((read_surface(path).rank == 1).sum()) if path.exists() else 0

    wait_until(process, lambda: points_of_rank_1() >= 60)
    kill_group(process)
    assert not (read_surface(path).rank == 0).any()


@pytest.mark.mpi
@pytest.mark.parametrize("rank", [pytest.param("0", marks=pytest.mark.slow), "1"])
def test_a_rank_that_raises_ends_the_job_with_its_traceback(workplace, rank):
    grid = {"x": [-1, 1, 100], "y": [-1, 1, 100]}
    after = 20 if rank == "0" else 6
    config = workplace.config(
        "example:raising", grid=grid, problem_args={"on_rank": rank, "after": 4 * after}
    )
    begin = time.monotonic()
    done = workplace.run("compute", config, ranks=2)
    assert time.monotonic() - begin < 30  # 10 s after the failure, plus startup
    assert done.returncode not in (0, 2)
    assert done.stderr.count("ValueError: the objective broke down") == 1
    assert "example.py" in done.stderr
    if rank == "1":
        assert "rank 1 on " in done.stderr
    assert not read_surface("surface.h5").complete


@pytest.mark.mpi
@pytest.mark.parametrize(
    ("keys", "options"),
    [
        pytest.param({"problem": "example:broken"}, [], id="problem", marks=pytest.mark.slow),
        pytest.param({"problem": "example:returning"}, [], id="objective"),
        pytest.param({"checkpoint": "nowhere.pt"}, [], id="checkpoint", marks=pytest.mark.slow),
        pytest.param({}, ["--set", "nonsense"], id="option", marks=pytest.mark.slow),
        pytest.param(None, [], id="configuration", marks=pytest.mark.slow),
    ],
)
def test_errors_are_printed_by_one_rank(workplace, keys, options):
    config = "nowhere.yaml" if keys is None else workplace.config(**keys)
    done = workplace.run("compute", config, *options, ranks=2)
    assert done.returncode == 2, done
    assert done.stderr.count("landscape: ") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert not (workplace.folder / "surface.h5").exists()


@pytest.mark.mpi
def test_ranks_with_different_data_are_refused(workplace):
    config = workplace.config("example:different_data")
    done = workplace.run("compute", config, ranks=2)
    assert done.returncode == 2
    assert "rank 1 has different splits from rank 0" in done.stderr


def test_without_a_launcher_mpi_is_not_imported(workplace):
    workplace.write(
        "checking.py",
        "import sys\nfrom example import regression\n"
        "def build():\n    assert 'mpi4py' not in sys.modules\n    return regression()\n",
    )
    done = workplace.run("compute", workplace.config("checking:build"))
    assert done.returncode == 0, done.stderr


SMOOTH = """
import os

import torch
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy

rank = os.environ.get("PMI_RANK", os.environ.get("OMPI_COMM_WORLD_RANK", ""))
if rank == os.environ.get("WITHOUT_COMPILER"):
    os.environ["CXX"] = "/nowhere/g++"
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = "empty"


def build():
    torch.manual_seed(0)
    layers = nn.Linear(20, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 5)
    data = TensorDataset(torch.randn(150, 20), torch.randint(5, (150,)))
    return Problem(nn.Sequential(*layers), {"train": data}, cross_entropy)
"""
"""A network whose values change by rounding when compiled, and a rank that can't compile."""


@pytest.fixture
def smooth(workplace):
    """Return a configuration whose last batch is not compiled, and a function that runs it."""
    workplace.write("smooth.py", SMOOTH)
    config = workplace.config("smooth:build", batch_size=64)

    def run(output, *options, ranks=None):
        done = workplace.run("compute", config, "-o", output, *options, ranks=ranks)
        assert done.returncode == 0, done.stderr
        return done.stderr

    return run


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.slow
def test_compiled_runs_have_the_same_bits_on_any_ranks_and_when_continued(smooth):
    smooth("plain.h5")
    for number, ranks in enumerate((None, 2)):
        assert ", compiled;" in smooth(f"{number}.h5", "--compile", "on", ranks=ranks)
    same_bits("0.h5", "1.h5")
    plain, compiled = arrays("plain.h5"), arrays("0.h5")
    loss = "values", "train", "loss"
    assert (plain[loss] != compiled[loss]).any()
    np.testing.assert_allclose(compiled[loss], plain[loss], rtol=1e-5)
    forget("1.h5", slice(-7, None))
    assert ", compiled; as in the file" in smooth("1.h5", ranks=2)
    same_bits("0.h5", "1.h5")


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.slow
def test_all_ranks_run_uncompiled_if_one_has_no_compiler(smooth, monkeypatch):
    smooth("plain.h5")
    monkeypatch.setenv("WITHOUT_COMPILER", "1")
    told = smooth("fallen.h5", "--compile", "on", ranks=2)
    assert len([line for line in told.splitlines() if "torch.compile failed" in line]) == 1
    assert "rank 1: " in told
    same_bits("plain.h5", "fallen.h5")
    provenance = read_surface("fallen.h5").provenance
    assert provenance["settings"]["compile"] is False
    assert provenance["compilation"]["outcome"] == "failed"


@pytest.mark.slow
def test_a_compiled_file_is_continued_without_a_compiler(smooth, monkeypatch):
    smooth("surface.h5", "--compile", "on")
    before = arrays("surface.h5")
    forget("surface.h5", slice(-7, None))
    monkeypatch.setenv("CXX", "/nowhere/g++")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "empty")
    assert "differ by rounding from those in the file" in smooth("surface.h5")
    for name, array in arrays("surface.h5").items():
        np.testing.assert_allclose(array, before[name], rtol=1e-5)
