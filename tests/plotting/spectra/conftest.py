from collections.abc import Callable

import numpy as np
import pytest

from landscape_cli.records.curvature import Block, Curvature, Density, Trace
from landscape_cli.records.tiles import Status

FACTS = {
    "network": {"name": "MLP"},
    "split": "train",
    "splits": {"train": {"samples": 512}},
}


@pytest.fixture
def record() -> Callable[..., Curvature]:
    """Return a function that makes a record with everything but blocks, of some checkpoints."""

    def make(checkpoints=1, top=6, bottom=4, **changes):
        steps = np.arange(1.0, checkpoints + 1)
        row = np.concatenate([10.0 / np.arange(1, top + 1), -np.linspace(0.1, 1, bottom)])
        rng = np.random.default_rng(0)
        middle = 0.05 * rng.standard_normal((checkpoints, 4, 38))
        ends = np.broadcast_to([[-1.0, 10.0]], (checkpoints, 4, 2))
        nodes = np.concatenate([middle, ends], axis=2)
        weights = np.concatenate([np.full(middle.shape, 0.99 / 38), 0.005 * ends**0], axis=2)
        facts = {
            "matrix": "hessian",
            "parameters": 2000,
            "labels": tuple(f"epoch {int(step)}" for step in steps),
            "status": np.full(checkpoints, Status.OK, np.uint8),
            "eigenvalues": steps[:, None] * row,
            "residuals": np.full((checkpoints, top + bottom), 0.01),
            "top": top,
            "density": Density(steps[:, None, None] * nodes, weights),
            "trace": Trace(20 * steps, np.full(checkpoints, 0.5), 60),
            "provenance": FACTS,
        }
        return Curvature(**{**facts, **changes})

    return make


@pytest.fixture
def blocks() -> Callable[..., tuple[Block, ...]]:
    """Return a function that makes blocks at some checkpoints."""

    def make(checkpoints=1, count=3):
        ones = np.ones((checkpoints, 1))
        trace = Trace(np.full(checkpoints, 3.0), np.full(checkpoints, 0.1), 10)
        return tuple(
            Block(f"layer{n}.*", 100 * n, ones * [n, -0.1 * n], ones * [0.05, 0.01], trace)
            for n in range(1, count + 1)
        )

    return make
