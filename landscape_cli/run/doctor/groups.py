"""The check of groups of ranks: whether they can hold a model together."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.groups.process_group import BACKENDS, mesh_of
from landscape_cli.evaluation.groups.sharding import divide_model
from landscape_cli.parallel.executor import Executor
from landscape_cli.parallel.group import refuse_size
from landscape_cli.problems.problem import Problem
from landscape_cli.run.doctor.checks import Check

WIDTH = 1024
"""Width of the linear layers that are gathered: 4 MiB each in float32."""

LAYERS = 8


def groups_check(executor: Executor, device: torch.device, size: int) -> Check:
    """Divide a small network among the ranks of each group, and evaluate it; called by every rank.

    Args:
        executor: the ranks.
        device: the device of this rank.
        size: the number of ranks of a group.
    """
    try:
        executor.lead(lambda: refuse_size(size, executor.size))
        executor.divide(size)
        seconds, off = executor.together(lambda: _try(executor, device))
    except LandscapeError as error:
        message = executor.gather(str(error))[0]
        return Check("groups", "error", message.removeprefix("ranks_per_model: "))
    slowest, worst = max(executor.gather(seconds)), max(executor.gather(off))
    models = executor.models
    speed = 4 * WIDTH * WIDTH * LAYERS / slowest / 1e6
    detail = (
        f"{models} model{'s' * (models > 1)}, each divided among {size} ranks through "
        f"{BACKENDS[device.type]}, gathered at {speed:.0f} MB/s"
    )
    if worst:
        remedy = "the network between these ranks, or this PyTorch, is broken; ask your site"
        return Check("groups", "error", f"{detail}, but values were off by {worst:.2g}", remedy)
    return Check("groups", "ok", detail)


@torch.no_grad()
def _try(executor: Executor, device: torch.device) -> tuple[float, float]:
    """Return the seconds of a divided network's forward pass, and its largest error."""
    assert executor.group is not None
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(*(nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(LAYERS)))
    for weight in model.parameters():
        weight.copy_(torch.eye(WIDTH))  # so that the sums are exact
    inputs = torch.randn(4, WIDTH, generator=generator).to(device)
    problem = Problem(model, {"random": [inputs]}, lambda model, batch: {})
    divided = divide_model(problem, mesh_of(executor.group, device)).to(device)
    found: Tensor = divided(inputs)
    begin = time.perf_counter()
    found = divided(inputs)
    off = float((found - inputs).abs().max())
    return time.perf_counter() - begin, off
