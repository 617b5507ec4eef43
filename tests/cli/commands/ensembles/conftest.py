"""A small problem with batch norm, and checkpoints of differently trained networks."""

import sys

import pytest

PROBLEMS = """
import os, signal, time
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from landscape_cli.problems import Predictions, Problem
from landscape_cli.problems.objectives import cross_entropy, mean_squared_error
from landscape_cli.problems.predictions import with_predictions

class Merging(nn.Module):
    '''A low-rank update that is merged into the weights in eval mode.'''
    def __init__(self, width):
        super().__init__()
        self.base = nn.Linear(4, width)
        self.a, self.b = (nn.Parameter(torch.randn(shape)) for shape in ((width, 2), (2, 4)))
        self.merged = False
    def train(self, mode=True):
        if mode == self.merged:
            self.base.weight.data += (-1 if mode else 1) * self.a @ self.b
            self.merged = not mode
        return super().train(mode)
    def forward(self, x):
        return self.base(x) + (0 if self.merged else x @ (self.a @ self.b).T)

class Drifting(nn.Module):
    '''A buffer that no checkpoint has, and that each forward pass changes.'''
    def __init__(self):
        super().__init__()
        self.register_buffer("passes", torch.zeros(()), persistent=False)
    def forward(self, x):
        self.passes += 1
        return x / self.passes

def build(norm=True, width=6, seed=0, first="linear", drifting=False):
    torch.manual_seed(seed)
    layers = [nn.Linear(4, width) if first == "linear" else Merging(width)]
    layers += [Drifting()] * drifting
    layers += [*([nn.BatchNorm1d(width)] if norm else []), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(width, 3))

def data(samples, seed):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(samples, 4, generator=generator)
    noise = torch.randn(samples, 3, generator=generator)
    return TensorDataset(inputs, (inputs[:, :3] + noise).argmax(dim=1))

SPLITS = {"train": data(301, 1), "test": data(50, 2)}

class Batches(IterableDataset):
    '''Batches of its own, the last of a single sample.'''
    def __init__(self, split):
        self.split = split
    def __iter__(self):
        yield from zip(*(tensor.split(50) for tensor in SPLITS[self.split].tensors))

def network(objective="cross_entropy", splits=("train", "test"), batches=False, **model):
    chosen = {name: SPLITS[name] for name in splits}
    if batches:
        chosen = {name: DataLoader(Batches(name), batch_size=None) for name in splits}
    return Problem(build(**model), chosen, OBJECTIVES[objective], name="small network")

def without(model, batch):
    return cross_entropy(model, batch)

def ones_own(model, batch):
    return cross_entropy(model, batch)

def failing(model, batch):
    raise ValueError("no predictions today")

def stopping(model, batch):
    calls.append(1)
    if os.environ.get("STOP_AFTER") == str(len(calls)):
        os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(float(os.environ.get("PAUSE", 0)))
    return cross_entropy.predictions(model, batch)

def exposing(predict):
    def objective(model, batch):
        return cross_entropy(model, batch)
    return with_predictions(predict)(objective)

calls = []
OBJECTIVES = {
    "cross_entropy": cross_entropy,
    "without": without,
    "failing": exposing(failing),
    "stopping": exposing(stopping),
    "logits": exposing(lambda model, batch: Predictions(model(batch[0]), batch[1])),
    "tensor": exposing(lambda model, batch: model(batch[0])),
}

def trained(seed, **model):
    net = build(seed=seed, **model).train()
    optimizer = torch.optim.SGD(net.parameters(), 0.2, momentum=0.9)
    inputs, labels = SPLITS["train"].tensors
    for _ in range(20):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
    return net

def save(name, seed, **model):
    net = trained(seed, **model)
    torch.save({"state_dict": net.state_dict(), "epoch": seed}, name)
    return net
"""


@pytest.fixture
def small(workplace, monkeypatch):
    """The module of the problem; a.pt, b.pt and c.pt are checkpoints of it."""
    workplace.write("small.py", PROBLEMS)
    monkeypatch.delitem(sys.modules, "small", raising=False)
    import small

    for seed, name in enumerate("abc", start=1):
        small.save(f"{name}.pt", seed)
    yield small
    sys.modules.pop("small", None)


@pytest.fixture
def config(small, workplace):
    """Write a configuration of the problem."""

    def config(objective="cross_entropy", splits=("train", "test"), **keys):
        model = keys.pop("model", {})
        args = {"objective": objective, "splits": list(splits), **model}
        return workplace.config("small:network", problem_args=args, batch_size=16, **keys)

    return config
