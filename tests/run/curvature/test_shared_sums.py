"""Sums over samples that ranks share: the same bits on any number of them, and a common end."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.errors import LandscapeError, ProblemError
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.derivatives.local_sums import LocalSums
from landscape_cli.evaluation.derivatives.matrices import MATRICES
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.derivatives.variables import Variables
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.parallel.executor_choice import choose_executor
from landscape_cli.parallel.serial import SerialExecutor
from landscape_cli.parallel.stop_signals import Stop
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.run.curvature.shared_sums import SharedSums, StoppedError
from support.command_line import mpiexec

CPU = torch.device("cpu")
BATCHES = 7
TESTS = Path(__file__).parents[2]


def shared(executor, matrix="hessian", objective=cross_entropy):
    """Return shared sums over seven batches, and the variables."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    inputs, labels = torch.randn(4 * BATCHES - 1, 6), torch.randint(3, (4 * BATCHES - 1,))
    parameters = FlatParameters.of_model(model, CPU)
    centre, variables = parameters.clone(), Variables(model, parameters)
    split = SplitData("train", TensorDataset(inputs, labels), 4, CPU)

    def move(offset):
        parameters.assign(centre.views)
        if offset is not None:
            for name, part in variables.named(offset).items():
                parameters.views[name].add_(part)

    sums = LocalSums(MeanLoss(model, objective), variables, split, matrix)
    return SharedSums(executor, sums, move), variables


def hashed(tensor):
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def results(executor):
    """Return everything that ranks can compute together, on rank 0."""
    found = {}
    for matrix in MATRICES:
        sums, variables = shared(executor, matrix)
        generator = torch.Generator().manual_seed(1)
        vectors = torch.randn(2, variables.size, generator=generator, dtype=torch.float64)

        def algorithm(derivatives, sums=sums, vectors=vectors):
            products = derivatives(vectors)
            slope = derivatives.gradient()
            sums.move(0.1 * slope)
            beside = derivatives.loss()
            sums.move(None)
            return hashed(products), hashed(slope), beside, derivatives.loss()

        found[matrix] = sums.run(algorithm)
    return found if executor.rank == 0 else None


def failing(model, batch):
    if len(batch[0]) == 3:  # the last batch, which the last rank has
        raise ProblemError("objective: it dislikes this batch")
    return cross_entropy(model, batch)


def outcome_of_failure(executor):
    """Return how each rank ends if one of them fails, and if the algorithm does."""
    sums, _ = shared(executor, objective=failing)
    ends = []

    def fail(derivatives):
        raise ProblemError("the algorithm gives up")

    for algorithm in (lambda derivatives: derivatives.loss(), fail):
        try:
            sums.run(algorithm)
        except LandscapeError as error:
            ends.append((type(error).__name__, str(error)[-40:]))
    return executor.gather(ends)


def main():
    executor = choose_executor()
    found = results(executor), outcome_of_failure(executor)
    if executor.rank == 0:
        print(json.dumps(found))


@pytest.fixture(scope="module")
def alone():
    return json.loads(json.dumps(results(SerialExecutor())))


@pytest.mark.bits
@pytest.mark.mpi
@pytest.mark.slow
@pytest.mark.parametrize("ranks", [pytest.param(2, marks=pytest.mark.openmpi), 4])
def test_bits_are_the_same_on_any_number_of_ranks(alone, ranks):
    command = [mpiexec(), "-n", str(ranks), sys.executable, __file__]
    paths = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    alone_each = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=alone_each, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found, ends = json.loads(done.stdout)
    assert found == alone
    assert ends[0][0][0] == ends[0][1][0] == "ProblemError"
    assert ends[0][0][1].endswith("it dislikes this batch")
    assert ends[0][1][1] == "the algorithm gives up"
    assert all(end[0] == "OtherRankError" for rank in ends[1:] for end in rank)


def test_losses_are_those_at_the_offset(alone):
    for _, _, beside, back in alone.values():
        assert beside > back == alone["hessian"][3]


def test_a_stop_comes_between_two_sums():
    executor = SerialExecutor()
    executor.stop = Stop()
    sums, variables = shared(executor)
    done = []

    def algorithm(derivatives):
        for _ in range(5):
            derivatives(torch.ones(1, variables.size, dtype=torch.float64))
            if len(done) == 2:  # two products are done
                executor.stop.ask("SIGTERM")

    with pytest.raises(StoppedError, match="stopped by SIGTERM") as caught:
        sums.run(algorithm, done.append)
    assert caught.value.exit_code == 75
    assert done == [1, 1]


def test_a_sum_that_would_end_after_the_time_limit_is_not_begun():
    executor = SerialExecutor()
    executor.stop = Stop(3600)
    sums, _ = shared(executor)
    sums._slowest = 4000.0
    with pytest.raises(StoppedError, match="stopped by the time limit"):
        sums.run(lambda derivatives: derivatives.loss())


if __name__ == "__main__":
    main()
