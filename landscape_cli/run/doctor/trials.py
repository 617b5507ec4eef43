"""Small trials of what a run needs: messages between ranks, and a forward pass."""

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
"""Size of a message in bytes."""

SAMPLES, FEATURES, CLASSES = 256, 16, 4


@dataclass(frozen=True)
class Messages:
    """Speed and integrity of messages between ranks.

    Args:
        broadcast: bytes per second from rank 0 to all.
        gather: bytes per second when every rank receives the parts of all.
        intact: True if all data arrived as sent.
    """

    broadcast: float
    gather: float
    intact: bool


def try_messages(executor: Executor) -> Messages:
    """Broadcast 64 MiB from rank 0, and gather 64 MiB from all ranks; called by every rank."""
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
    intact = all(checksums == sums[0] for checksums in sums) and len(set(sums[0][1])) == 1
    return Messages(MESSAGE / (middle - begin), MESSAGE / (end - middle), intact)


def try_point(device: torch.device, rank: int = 0) -> float:
    """Return the loss of a small random network near its centre, which is the same everywhere.

    Raises:
        Exception: any error on this device.
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
