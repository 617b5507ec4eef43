"""A diffusion map whose run is killed again and again is that of an undisturbed run."""

import os
import random
import signal
import time

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.store.diffusion_file import read_diffusion
from support.diffusion_files import same_record

pytestmark = [pytest.mark.chaos, pytest.mark.mpi]

KILLS = max(2, int(os.environ.get("LANDSCAPE_CHAOS_ROUNDS", "24")) // 10)
SEED = int(os.environ.get("LANDSCAPE_CHAOS_SEED", "1"))

PROBLEM = """
import torch
from torch import nn
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error

def build():
    data = torch.utils.data.TensorDataset(torch.zeros(2, 200), torch.zeros(2, 200))
    return Problem(nn.Linear(200, 200), {"train": data}, mean_squared_error)
"""


def done(path):
    """Return the number of known distances and of walks."""
    record = read_diffusion(path)
    walks = sum(len(null.epsilons) for null in record.nulls)
    return int(np.isfinite(record.distances2).sum()), walks


@pytest.mark.parametrize("ranks", [None, 2])
def test_killed_again_and_again(workplace, ranks):
    workplace.write("own.py", PROBLEM)
    config = workplace.config("own:build", threads=1)
    torch.manual_seed(0)
    model = nn.Linear(200, 200)
    with torch.no_grad():
        for number in range(500):
            for parameter in model.parameters():
                parameter += 0.01 * torch.randn_like(parameter)
            torch.save(model.state_dict(), workplace.folder / f"step{number}.pt")
    command = ("diffusion", config, "--checkpoints", "step*.pt")
    whole = workplace.run(*command, "-o", "whole.h5")
    assert whole.returncode == 0, whole.stderr
    chosen, path = random.Random(SEED), workplace.folder / "parts.h5"
    reached = []
    while len(reached) < KILLS:
        process = workplace.start(*command, "-o", path.name, ranks=ranks)
        began = time.time()
        while process.poll() is None and not (path.exists() and path.stat().st_mtime > began):
            time.sleep(0.05)
        time.sleep(chosen.uniform(0, 3))
        if process.poll() is not None:
            break
        for each in workplace.processes(process.pid):
            each.send_signal(signal.SIGKILL)
        process.communicate()
        reached.append(done(path))
    assert reached, "nothing was killed"
    assert reached == sorted(reached)
    last = workplace.run(*command, "-o", path.name, ranks=ranks)
    assert last.returncode == 0, last.stderr
    same_record(read_diffusion(path), read_diffusion(workplace.folder / "whole.h5"))
