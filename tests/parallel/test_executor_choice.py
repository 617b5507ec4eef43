"""Tests that tasks which are not ranks of one world are detected by their launchers' variables."""

import os

import pytest

from landscape_cli.errors import UsageError
from landscape_cli.parallel import launcher
from landscape_cli.parallel.executor import OtherRankError
from landscape_cli.parallel.executor_choice import choose_executor

PREFIXES = ("PMI", "OMPI_", "MV2_", "PALS_", "SLURM_", "LANDSCAPE_MPI")


@pytest.fixture
def tasks(monkeypatch):
    """Return a function that sets a launcher's variables and unsets all others."""

    def started(**variables):
        for name in os.environ:
            if name.startswith(PREFIXES):
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    started()
    return started


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, 1),
        ({"PMI_SIZE": "4"}, 4),
        ({"OMPI_COMM_WORLD_SIZE": "3", "PMI_SIZE": "4"}, 3),
        ({"PALS_NRANKS": "8"}, 8),
        ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "6"}, 6),
        ({"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "6", "PMI_SIZE": "1"}, 1),
        ({"SLURM_STEP_ID": "4294967291", "SLURM_STEP_NUM_TASKS": "6"}, 1),  # a batch script
        ({"SLURM_STEP_ID": "4294967290", "SLURM_STEP_NUM_TASKS": "6"}, 1),  # salloc's shell
        ({"SLURM_NTASKS": "6", "SLURM_PROCID": "0"}, 1),
        ({"PMI_SIZE": "many"}, 1),
    ],
)
def test_the_number_of_tasks(tasks, variables, expected):
    tasks(**variables)
    assert launcher.launched_tasks() == expected


def test_separate_tasks_are_refused_by_one_message(tasks):
    step = {"SLURM_STEP_ID": "3", "SLURM_STEP_NUM_TASKS": "2"}
    tasks(**step, SLURM_PROCID="0")
    with pytest.raises(UsageError, match="^2 tasks .* but they do not use MPI: .*=pmi2"):
        choose_executor()
    tasks(**step, SLURM_PROCID="1")
    with pytest.raises(OtherRankError) as caught:
        choose_executor()
    assert str(caught.value) == ""
    assert caught.value.exit_code == 2


def test_tasks_may_be_separate_on_purpose(tasks):
    tasks(SLURM_STEP_ID="3", SLURM_STEP_NUM_TASKS="2", SLURM_PROCID="1", LANDSCAPE_MPI="0")
    assert choose_executor().size == 1
    assert launcher.speaks()


@pytest.mark.mpi
@pytest.mark.slow
def test_one_of_several_worlds_of_one_is_refused(workplace, monkeypatch):
    pytest.importorskip("mpi4py")
    config = workplace.config()
    for rank in ("0", "1"):
        # Set by Open MPI's mpirun, and ignored by MPICH's library.
        monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "2")
        monkeypatch.setenv("OMPI_COMM_WORLD_RANK", rank)
        done = workplace.run("compute", config, cold=True)
        assert done.returncode == 2, done.stderr
        if rank == "1":
            assert done.stderr == ""
            continue
        (line,) = [one for one in done.stderr.splitlines() if one.startswith("landscape: ")]
        assert line.startswith("landscape: 2 tasks were started together, but each is alone in")
        assert "MPI library (" in line
        assert line.endswith("; LANDSCAPE_MPI=0 makes each task run on its own")
    assert not list(workplace.folder.glob("*.h5"))
    monkeypatch.setenv("LANDSCAPE_MPI", "0")
    assert workplace.run("compute", config, cold=True).returncode == 0
