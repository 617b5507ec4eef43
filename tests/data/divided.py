"""Problems with a small transformer that groups of ranks divide among themselves."""

import dataclasses
import os
import time

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from landscape_cli import Problem
from landscape_cli.problems.objectives import causal_lm

WORDS, WIDTH = 33, 10


class Block(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.up = nn.Linear(WIDTH, hidden)
        self.down = nn.Linear(hidden, WIDTH)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(self.norm(x))))


class Tower(nn.Module):
    """Blocks between an embedding and a head, which share their weight.

    Like models of transformers, it has a ``train`` of its own that does no more than others'.
    """

    def __init__(self, hidden=41):
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.blocks = nn.ModuleList(Block(hidden) for _ in range(3))
        self.head = nn.Linear(WIDTH, WORDS, bias=False)
        self.head.weight = self.words.weight
        self.register_buffer("scale", torch.full((1,), 0.5))

    def train(self, mode=True):
        return super().train(mode)

    def forward(self, ids):
        x = self.words(ids)
        for block in self.blocks:
            x = block(x)
        return self.head(x) * self.scale


def texts(count):
    generator = torch.Generator().manual_seed(2)
    return TensorDataset(torch.randint(0, WORDS, (count, 8), generator=generator))


def objective(model, batch):
    return causal_lm(model, batch[0])


def build(count=70, hidden=41, seed=0):
    """70 texts make five batches of 16: an odd number for groups of two."""
    torch.manual_seed(seed)
    return Problem(Tower(hidden), {"train": texts(count)}, objective, name="tower")


def empty():
    """The network without values; its buffer has some."""
    problem = build()
    with torch.device("meta"):
        model = Tower()
    model.scale = torch.full((1,), 0.5)
    return dataclasses.replace(problem, model=model)


def slow(count=70):
    """Lasts a while at each batch."""

    def waiting(model, batch):
        time.sleep(float(os.environ.get("EXAMPLE_SECONDS", "0.05")))
        return objective(model, batch)

    return dataclasses.replace(build(count), objective=waiting)


def failing(most=8):
    """Fails where the loss is large."""

    def fail(model, batch):
        found = objective(model, batch)
        sums, weights = found["loss"]
        if float(sums.sum() / weights.sum()) > most:
            raise ValueError("the loss is too large")
        return found

    return dataclasses.replace(build(), objective=fail)


class Leaving(Block):
    """Fails in the middle of a forward pass, on rank 1 alone, away from its first weights."""

    def __init__(self, hidden):
        super().__init__(hidden)
        self.first = float(self.up.weight[0, 0])

    def forward(self, x):
        from mpi4py import MPI

        if MPI.COMM_WORLD.Get_rank() == 1 and float(self.up.weight[0, 0]) != self.first:
            raise RuntimeError("a rank of its own")
        return super().forward(x)


def leaving():
    problem = build()
    torch.manual_seed(3)
    problem.model.blocks[1] = Leaving(41)
    return problem


class Merging(Tower):
    """Changes a weight in eval mode."""

    def train(self, mode=True):
        with torch.no_grad():
            self.blocks[0].up.weight.mul_(0.5 if mode else 2)
        return super().train(mode)


def merging():
    return dataclasses.replace(build(), model=Merging())


class Reading(Tower):
    """Reads a weight of a block without calling the block."""

    def forward(self, ids):
        return super().forward(ids) + self.blocks[0].up.weight.sum()


def reading():
    return dataclasses.replace(build(), model=Reading())


def parallel(hidden=40, wrong=False):
    """Divides each block by columns and rows."""
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    def plan(model, mesh):
        for block in model.blocks:
            parallelize_module(block, mesh, {"up": ColwiseParallel(), "down": RowwiseParallel()})
        if wrong:
            with torch.no_grad():
                model.blocks[0].down.weight.to_local().mul_(1.1)
        return model

    return dataclasses.replace(build(hidden=hidden), parallelize=plan)


def nothing():
    return dataclasses.replace(build(), parallelize=lambda model, mesh: model)


def untied():
    """Two parameters in one place of memory, which are not one object."""
    problem = build()
    model = problem.model
    model.head.weight = nn.Parameter(model.words.weight.detach())
    return problem


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


def normed():
    torch.manual_seed(0)

    def loss(model, batch):
        inputs, labels = batch
        return {"loss": functional.cross_entropy(model(inputs), labels, reduction="none")}

    data = TensorDataset(torch.randn(40, 4), torch.arange(40) % 3)
    return Problem(Normed(), {"train": data}, loss)
