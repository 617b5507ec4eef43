"""A plane takes three copies of the parameters beside the model: the centre and two directions.

Streamed, it takes one and a few blocks: 1.1 times what the model and the centre take together.
"""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.alone

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
import json, pathlib, sys
import numpy.ctypeslib, numpy.random, resource, torch.profiler  # libraries, not the plane's memory
from landscape_cli.config.loading import load_config
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.run.setup.stages import set_up
from landscape_cli.run.resume import decide
from landscape_cli.problems.import_path import load_problem
import landscape_cli.run.setup.problem_setup as setup

def peak():
    # Unlike ru_maxrss, this excludes the memory of the parent process.
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024

base = {}
def load(path, args):
    problem = load_problem(path, args)
    batch = problem.splits["train"].tensors[0]
    problem.model(batch)
    base["bytes"] = peak()  # resident memory may be less, if the system reclaims pages
    return problem

setup.load_problem = load
config = load_config("run.yaml", json.loads(sys.argv[1]))
ready = set_up(decide(config, False, False), SerialExecutor())
from landscape_cli.records.tiles import Tile
from landscape_cli.run.output_file import store_tensors
parameters = ready.evaluator.parameters
store_tensors(ready.facts.slice_.stored, parameters, pathlib.Path("large.h5"), lambda: None)
ready.evaluator.evaluate(Tile((0, 1), ((0.1, 0.2), (0.3, 0.4))))
print(json.dumps({"base": base["bytes"], "peak": peak()}))
"""


def measure(workplace, **keys):
    """Measure the memory from set-up to the first points, in copies of the parameters."""
    workplace.write("large.py", PROBLEM)
    workplace.write("measure.py", MEASURE)
    workplace.config("large:build", batch_size=2)
    done = subprocess.run(
        [sys.executable, "measure.py", json.dumps(keys)],
        cwd=workplace.folder,
        env=workplace.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (workplace.folder / "large.directions.h5").unlink()
    found = json.loads(done.stdout)
    return (found["peak"] - found["base"]) / (8193 * 8192 * 4)


@pytest.mark.slow
def test_a_plane_takes_three_copies_of_the_parameters(workplace):
    assert 2.8 < measure(workplace, keep_directions="resident") < 3.4


@pytest.mark.slow
def test_orthogonal_directions_take_no_more_memory(workplace):
    assert 2.8 < measure(workplace, keep_directions="resident", orthogonal=True) < 3.4


@pytest.mark.slow
@pytest.mark.parametrize(("threads", "orthogonal"), [(1, True), (2, False)])
def test_a_streamed_plane_takes_one_copy_and_a_few_blocks(workplace, threads, orthogonal):
    keys = {"keep_directions": "streamed", "orthogonal": orthogonal, "threads": threads}
    found = measure(workplace, **keys)
    assert 0.95 < found < 1.22  # 0.07 of which are set-up's, whatever the size of the model
