"""Tests that run the scripts printed by `landscape slurm` on a real Slurm."""

import os
import re

import numpy as np
import pytest

from landscape_cli.store import read_surface
from support.surfaces import assert_same_bits

pytestmark = pytest.mark.slurm

GRID = {"x": [-1, 1, 25], "y": [-1, 1, 16]}
POINTS = 400


@pytest.fixture(scope="module")
def undisturbed(new_workplace):
    place = new_workplace("undisturbed")
    return place.surface(place.config(grid=GRID, splits=["train"]))


@pytest.fixture
def submit(slurm, workplace):
    """Return a function that submits the script for some arguments and returns the job id."""
    jobs = []

    def submit(*arguments, seconds=0.1):
        config = workplace.config("example:slow", problem_args={"seconds": seconds}, grid=GRID)
        done = workplace.run("slurm", config, *arguments)
        assert done.returncode == 0, done.stderr
        (workplace.folder / "job.sh").write_text(done.stdout)
        jobs.append(slurm.submit(done.stdout))
        return jobs[-1]

    yield submit
    for job in jobs:
        slurm("scancel", "--quiet", job)
        slurm.wait(job)


def progress(path="surface.h5"):
    return read_surface(path).done if os.path.exists(path) else 0


def log(job):
    with open(f"surface.{job}.log") as file:
        return file.read()


def completed(slurm, job, restarts):
    """Wait for a job to end, and check how often it was requeued."""
    facts = slurm.wait(job)
    assert (facts["JobState"], facts["ExitCode"]) == ("COMPLETED", "0:0"), (facts, log(job))
    assert facts["Restarts"] == str(restarts), log(job)
    return facts


@pytest.mark.parametrize("launcher", ["srun", "mpiexec"])
def test_ranks_span_the_nodes(slurm, submit, undisturbed, launcher):
    job = submit("--nodes", 2, "--time", "10m", "--launcher", launcher, seconds=0.05)
    slurm.wait(job, lambda: progress() > 10)
    # The step runs the ranks, or mpiexec's helpers, one on each node.
    steps = slurm("squeue", "--steps", "--noheader", f"--job={job}", "--format=%i %N").split("\n")
    assert f"{job}.0 n[1-2]" in steps
    completed(slurm, job, 0)
    surface = read_surface("surface.h5")
    (run,) = surface.provenance["runs"]
    assert run["mpi"]["size"] == 2
    assert set(np.unique(surface.rank)) == {0, 1}
    assert_same_bits(surface, undisturbed)


def test_a_job_ends_before_its_time_limit_and_requeues_itself(slurm, submit, undisturbed):
    # Slurm's shortest time limit is a minute; its signal is replaced by one that is ignored.
    job = submit("--nodes", 2, "--time", "1:00", "--sbatch", "--signal=CONT@1", seconds=0.3)
    slurm.wait(job, lambda: slurm.facts(job)["Restarts"] == "1")
    assert 0 < progress() < POINTS
    completed(slurm, job, 1)
    assert "stopped by the time limit with" in log(job)
    surface = read_surface("surface.h5")
    first, _ = surface.provenance["runs"]
    assert 20 < first["seconds"] < 60
    assert_same_bits(surface, undisturbed)


@pytest.mark.parametrize("launcher", ["srun", "mpiexec"])
def test_a_signal_stops_a_job_early(slurm, submit, undisturbed, launcher):
    job = submit("--nodes", 2, "--time", "10m", "--launcher", launcher)
    slurm.wait(job, lambda: progress() > 10)
    # For a job under mpiexec, Slurm signals the script at the time limit.
    slurm("scancel", "--signal=USR1", *(["--batch"] if launcher == "mpiexec" else []), job)
    completed(slurm, job, 1)
    assert "stopped by SIGUSR1 with" in log(job)
    assert f"{POINTS}/{POINTS} points" in log(job)
    surface = read_surface("surface.h5")
    assert len(surface.provenance["runs"]) == 2
    assert_same_bits(surface, undisturbed)


def test_a_job_requeued_by_hand_continues(slurm, submit, undisturbed):
    job = submit("--ntasks-per-node", 2, "--time", "10m")
    slurm.wait(job, lambda: progress() > 10)
    slurm("scontrol", "requeue", job)
    completed(slurm, job, 1)
    assert f": {POINTS} points are done" not in log(job)
    assert "continuing" in log(job)
    assert_same_bits(read_surface("surface.h5"), undisturbed)


def test_a_dependent_job_merges_the_shards_of_an_array(slurm, workplace, submit, undisturbed):
    job = submit("--array", 4, "--time", "10m")
    script = (workplace.folder / "job.sh").read_text()
    hint = re.search(r"^#   (sbatch .*)$", script, re.MULTILINE)[1]
    shown = slurm("bash", "-c", hint.replace("afterok:ID", f"afterok:{job}"))
    merging = shown.split()[-1]
    slurm.wait(job, lambda: progress("surface.shard-1-of-4.h5") > 10)
    slurm("scancel", "--signal=USR1", f"{job}_1")
    assert slurm.wait(merging)["JobState"] == "COMPLETED"
    assert slurm.states(job) == ["COMPLETED"] * 4
    assert slurm.facts(f"{job}_1")["Restarts"] == "1"
    surface = read_surface("surface.h5")
    assert surface.complete
    assert_same_bits(surface, undisturbed)
    assert len(surface.provenance["runs"]) == 5
