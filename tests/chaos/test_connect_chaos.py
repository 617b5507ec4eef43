"""A curve whose training is killed again and again is that of an undisturbed training."""

import os
import random
import signal
import time

import numpy as np
import pytest
import torch

from landscape_cli.store.curve_file import read_curve, read_curve_points

pytestmark = [pytest.mark.chaos, pytest.mark.mpi]

KILLS = max(2, int(os.environ.get("LANDSCAPE_CHAOS_ROUNDS", "24")) // 10)
SEED = int(os.environ.get("LANDSCAPE_CHAOS_SEED", "1"))

PROBLEM = """
import time
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error

def build():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(3, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Dropout(0.2), nn.Linear(20, 1)
    )
    inputs = torch.randn(200, 3)
    data = TensorDataset(inputs, inputs.prod(1, keepdim=True))

    def objective(model, batch):
        time.sleep(0.005)
        return mean_squared_error(model, (batch[0] + 0.01 * torch.randn(batch[0].shape), batch[1]))

    loader = DataLoader(data, batch_size=16, shuffle=True, drop_last=True)
    return Problem(model, {"train": loader}, objective)
"""


@pytest.mark.parametrize("ranks", [None, 2])
def test_killed_again_and_again(workplace, ranks):
    workplace.write("own.py", PROBLEM)
    config = workplace.config("own:build", grid={"x": [0, 1, 5]})
    for seed, name in enumerate("ab"):
        torch.manual_seed(seed)
        net = torch.nn.Sequential(
            torch.nn.Linear(3, 20),
            torch.nn.BatchNorm1d(20),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.2),
            torch.nn.Linear(20, 1),
        )
        torch.save(net.state_dict(), workplace.folder / f"{name}.pt")
    command = ("connect", config, "--from", "a.pt", "--to", "b.pt", "--bends", 2, "--epochs", 60)
    done = workplace.run(*command, "-o", "whole.curve.h5")
    assert done.returncode == 0, done.stderr
    chosen, path = random.Random(SEED), workplace.folder / "parts.curve.h5"
    reached, kills = [], 0
    while kills < KILLS:
        process = workplace.start(*command, "-o", path.name, ranks=ranks)
        began = time.time()
        while process.poll() is None and not (path.exists() and path.stat().st_mtime > began):
            time.sleep(0.05)
        time.sleep(chosen.uniform(0, 1.5))
        if process.poll() is not None:
            break
        for each in workplace.processes(process.pid):
            each.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
        reached.append(read_curve(path).done)
    assert kills, "nothing was killed"
    assert reached == sorted(reached)
    last = workplace.run(*command, "-o", path.name, ranks=ranks)
    assert last.returncode == 0, last.stderr
    whole, parts = (workplace.folder / name for name in ("whole.curve.h5", path.name))
    pairs = [read_curve_points(one, read_curve(one)).points for one in (whole, parts)]
    for first, second in zip(*pairs, strict=True):
        for name, array in first.items():
            np.testing.assert_array_equal(array, second[name])
    np.testing.assert_array_equal(read_curve(whole).losses, read_curve(parts).losses)
