"""Small trials of what a run needs: messages between ranks, and the forward pass itself."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import TensorDataset

from landscape_cli.evaluation import Evaluator, SplitData
from landscape_cli.evaluation.forward.settings import Settings
from landscape_cli.geometry.directions import direction_from
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.slices.affine import build_slice
from landscape_cli.parallel.executor import Executor
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.records.tiles import Tile

MESSAGE = 64 << 20
"""Bytes that are sent."""

SAMPLES, FEATURES, CLASSES = 256, 16, 4


@dataclass(frozen=True)
class Messages:
    """How messages went.

    Args:
        broadcast: bytes a second from rank 0 to all.
        gather: bytes a second of all ranks' parts, to every rank.
        intact: whether everything came as it was sent.
    """

    broadcast: float
    gather: float
    intact: bool


def try_messages(executor: Executor) -> Messages:
    """Send 64 MiB to all ranks, and gather as many from all of them; called by every rank."""
    array = np.zeros(MESSAGE, np.uint8)
    if executor.rank == 0:
        array = np.resize(np.arange(251, dtype=np.uint8), MESSAGE)
    executor.gather(None)
    begin = time.monotonic()
    executor.share(array)
    executor.gather(None)
    middle = time.monotonic()
    parts = executor.gather(array[: MESSAGE // executor.size])
    executor.gather(None)
    end = time.monotonic()
    sums = executor.gather((zlib.crc32(array.data), [zlib.crc32(part.data) for part in parts]))
    intact = all(one == sums[0] for one in sums) and len(set(sums[0][1])) == 1
    return Messages(MESSAGE / (middle - begin), MESSAGE / (end - middle), intact)


def try_point(device: torch.device, rank: int = 0) -> float:
    """The loss of a small network on random data, the same everywhere, beside its centre.

    Raises:
        Exception: whatever goes wrong on this device.
    """
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(SAMPLES, FEATURES, generator=generator)
    targets = torch.randint(CLASSES, (SAMPLES,), generator=generator)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = MLP(FEATURES, [32], CLASSES)
    parameters = FlatParameters.of_model(model, device)
    directions = {"x": direction_from({"kind": "random", "seed": 1}, "directions.x")}
    slice_ = build_slice(parameters.clone(), directions, False)
    split = SplitData("random", TensorDataset(inputs, targets), 64, device)
    evaluator = Evaluator(
        model, parameters, slice_, cross_entropy, {"random": split}, Settings(64), rank
    )
    evaluator.load(1 << 20)
    return float(evaluator.evaluate(Tile((0,), ((0.5,),))).values["random", "loss"][0])
