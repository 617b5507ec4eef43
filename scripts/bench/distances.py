"""Time the stages of `landscape diffusion` on the ranks that run this.

Usage: distances.py FOLDER OUTPUT PARAMETERS
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from landscape_cli import Problem, RunConfig
from landscape_cli.diffusion.study import KINDS, Choices, draws_for
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.executor_choice import choose_executor
from landscape_cli.problems.checkpoint_files import expand
from landscape_cli.problems.weights import Reader
from landscape_cli.run.diffusion.compute import DiffusionRun
from landscape_cli.run.diffusion.request import Request, TrainingPath


class Network(nn.Module):
    """A network that is only read."""

    def __init__(self, parameters: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(parameters))


def rate(executor: Executor, work: Callable[[], object], amount: float) -> float:
    """Return what all ranks do per second of some work at the same time, best of three."""
    best = 0.0
    for _ in range(3):
        executor.together(lambda: None)
        start = time.perf_counter()
        work()
        own = amount / (time.perf_counter() - start)
        best = max(best, sum(executor.gather(own)))
    return best


def main() -> None:
    folder, output, parameters = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    executor = choose_executor()
    reads = [0]
    read = Reader.__call__

    def counted(reader: Reader, number: int) -> Any:
        reads[0] += 1
        return read(reader, number)

    Reader.__call__ = counted  # type: ignore[method-assign]
    data = {"train": [(torch.zeros(1, 1), torch.zeros(1))]}
    problem = Problem(Network(parameters), data, lambda model, batch: {})
    config = RunConfig(problem="bench:problem", grid={"x": [-1, 1, 3]}, output=str(output))
    paths = tuple(expand([f"{folder}/*.pt"]))

    def seconds(**choices: Any) -> float:
        request = Request((TrainingPath("", paths),), Choices(**choices))
        executor.together(lambda: None)
        start = time.perf_counter()
        DiffusionRun(config, request, output, executor, quiet=True, problem=problem).compute()
        return time.perf_counter() - start

    both = seconds(nulls=())
    alone = seconds(nulls=(), components=4)
    walks = seconds(components=4)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    matrix = torch.randn(2000, 2000, dtype=torch.float64)
    large = torch.ones(1 << 26)
    facts = {
        "distances": both - alone,
        "map": alone,
        "walks": walks,
        "drawn": len(KINDS) * draws_for(len(paths)),
        "peak_megabytes": max(executor.gather(peak)),
        "reads": sum(executor.gather(reads[0])),
        "dgemm_flops": rate(executor, lambda: matrix @ matrix, 2 * 2000.0**3),
        "memory_bytes_per_s": rate(executor, lambda: large.sum(), 4.0 * (1 << 26)),
    }
    if executor.rank == 0:
        print(json.dumps(facts))


if __name__ == "__main__":
    main()
