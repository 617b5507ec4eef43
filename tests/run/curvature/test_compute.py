"""A curvature run killed on two ranks and continued: the same bits as one left alone."""

import os
import signal
import time

import h5py
import numpy as np
import pytest

from landscape_cli.store.product_log import products_path

PROBLEM = """
import os, time
import example
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy

def build():
    problem = example.digits_network()
    def objective(model, batch):
        time.sleep(float(os.environ.get("PAUSE", "0")))
        return cross_entropy(model, batch)
    return Problem(problem.model, {"train": problem.splits["train"]}, objective)
"""

ARGUMENTS = ("--top", 3, "--trace", 4, "--density", "1x6", "--blocks", "1", "--steps", 20)


def arrays(path):
    """Return every array of a file as bytes, by its name."""
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = np.asarray(item[()]).tobytes()

    with h5py.File(path) as file:
        file.visititems(take)
    return found


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.slow
def test_killed_on_two_ranks_and_continued_on_one(workplace, landscape, monkeypatch):
    workplace.write("paused.py", PROBLEM)
    config = workplace.config("paused:build", batch_size=32, threads=1)
    monkeypatch.setenv("PYTHONPATH", str(workplace.folder), prepend=os.pathsep)
    assert landscape("curvature", config, *ARGUMENTS, "-o", "alone.h5")[0] == 0
    expected = arrays(workplace.folder / "alone.h5")
    monkeypatch.setenv("PAUSE", "0.03")
    process = workplace.start("curvature", config, *ARGUMENTS, "-o", "killed.h5", ranks=2)
    log = products_path(workplace.folder / "killed.h5")
    product = 4 * 1090
    while not log.exists() or log.stat().st_size < 5 * product:
        assert process.poll() is None
        time.sleep(0.02)
    for one in workplace.processes(process.pid):
        one.send_signal(signal.SIGKILL)
    process.communicate()
    assert not np.frombuffer(arrays(workplace.folder / "killed.h5")["progress/eigenvalues"]).any()
    monkeypatch.setenv("PAUSE", "0")
    left = log.stat().st_size // product
    assert landscape("curvature", config, *ARGUMENTS, "-o", "killed.h5")[0] == 0
    assert arrays(workplace.folder / "killed.h5") == expected
    assert not log.exists()
    assert left >= 5
