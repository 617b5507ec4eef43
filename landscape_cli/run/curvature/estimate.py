"""The estimate of a curvature run's time, memory and disk space, from a few products."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from landscape_cli.evaluation.derivatives.derivatives import Derivatives
from landscape_cli.evaluation.derivatives.variables import choose_names
from landscape_cli.run.curvature.compute import CurvatureRun
from landscape_cli.run.curvature.network import prepare_network
from landscape_cli.run.curvature.request import run_config


@dataclass(frozen=True)
class CurvatureEstimate:
    """Time, memory and disk space of a run.

    Args:
        checkpoints: number of checkpoints.
        parameters: number of rows of the matrix.
        products: number of products in all.
        seconds: time of one product on these ranks.
        forward: time of one mean loss on these ranks.
        ranks: number of ranks.
        vectors: bytes of the largest basis on rank 0.
        file: bytes of the curvature file.
        log: bytes of the largest log of products beside it.
    """

    checkpoints: int
    parameters: int
    products: int
    seconds: float
    forward: float
    ranks: int
    vectors: int
    file: int
    log: int


def estimate(run: CurvatureRun) -> CurvatureEstimate | None:
    """Prepare the first checkpoint, time a few products, and extrapolate; called by every rank.

    Nothing is written.

    Returns:
        The estimate on rank 0, None elsewhere.

    Raises:
        LandscapeError: for any error that a user can cause, as in the run itself.
    """
    executor, request = run.executor, run.request
    config = executor.together(lambda: run_config(run.config, request, run.checkpoints[0]))
    network = prepare_network(config, executor, request.quantity, run.problem)
    sums = network.sums(request.matrix)
    variables = network.variables()
    size = variables.size
    executor.together(lambda: request.check_size(size))
    parameters = network.evaluator.parameters
    blocks = executor.together(
        lambda: [
            network.variables(choose_names(parameters, patterns=(one,), key="--blocks")).size
            for one in request.blocks
        ]
    )
    times = sums.run(_timed)
    if times is None:
        return None
    count = len(run.checkpoints)
    products = request.products(size) + sum(map(request.block_products, blocks))
    itemsize = variables.dtype.itemsize
    steps = max(request.krylov_steps(size), min(request.density_steps, size))
    return CurvatureEstimate(
        checkpoints=count,
        parameters=size,
        products=count * products,
        seconds=times[1],
        forward=times[0],
        ranks=executor.size,
        vectors=(steps + 1) * size * itemsize,
        file=request.wanted * size * itemsize,
        log=(steps + request.wanted) * size * itemsize,
    )


def _timed(derivatives: Derivatives) -> tuple[float, float]:
    """Return the seconds of a mean loss and of a product; the first ones are slow and not used."""
    vector = torch.ones((1, derivatives.size), dtype=torch.float64, device=derivatives.device)
    derivatives(vector)
    start = time.perf_counter()
    derivatives.loss()
    middle = time.perf_counter()
    derivatives(vector)
    return middle - start, time.perf_counter() - middle
