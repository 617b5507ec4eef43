"""A plane takes three copies of the parameters beside the model: the centre and two directions."""

import json
import subprocess
import sys

PROBLEM = """
import torch
from torch import nn
from torch.utils.data import TensorDataset
from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import mean_squared_error


def build():
    '''One large tensor, the worst case for work that goes tensor by tensor.'''
    torch.manual_seed(0)
    model = nn.Linear(8192, 8192)
    data = TensorDataset(torch.randn(2, 8192), torch.randn(2, 8192))
    return Problem(model, {"train": data}, mean_squared_error)
"""

MEASURE = """
import json, resource, sys
import psutil
from landscape_cli.config import load_config
from landscape_cli.execution.serial import SerialExecutor
from landscape_cli.runner.setup import set_up
from landscape_cli.runner.start import decide
from landscape_cli.problems.resolving import load_problem
import landscape_cli.runner.setup as setup

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

base = {}
def load(path, args):
    problem = load_problem(path, args)
    batch = problem.splits["train"].tensors[0]
    problem.model(batch)
    base["bytes"] = psutil.Process().memory_info().rss
    return problem

setup.load_problem = load
config = load_config("run.yaml", {"orthogonal": sys.argv[1] == "orthogonal"})
ready = set_up(decide(config, False, False), SerialExecutor())
from landscape_cli.records import Tile
ready.evaluator.evaluate(Tile((0, 1), ((0.1, 0.2), (0.3, 0.4))))
print(json.dumps({"base": base["bytes"], "peak": peak()}))
"""


def measure(workplace, orthogonal):
    workplace.write("large.py", PROBLEM)
    workplace.write("measure.py", MEASURE)
    workplace.config("large:build")
    done = subprocess.run(
        [sys.executable, "measure.py", "orthogonal" if orthogonal else "plain"],
        cwd=workplace.folder,
        env=workplace.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return (found["peak"] - found["base"]) / (8193 * 8192 * 4)


def test_a_plane_takes_three_copies_of_the_parameters(workplace):
    assert 2.8 < measure(workplace, orthogonal=False) < 3.4


def test_orthogonal_directions_take_no_more(workplace):
    assert 2.8 < measure(workplace, orthogonal=True) < 3.4
