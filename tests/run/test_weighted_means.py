"""Weighted means in whole runs: PyTorch's own value, and the same bits on two ranks."""

import numpy as np
import pytest
from torch.nn import functional

from landscape_cli.store import read_surface

MODULE = """
import time
import torch
from torch.nn import functional
from landscape_cli.problems import Problem

WEIGHTS = torch.tensor([1.0, 0.0, 2.5, 10.0])

def objective(model, batch):
    inputs, labels, _ = batch
    weights = WEIGHTS.to(inputs.device)
    losses = functional.cross_entropy(model(inputs), labels, weights, reduction="none")
    correct = model(inputs).argmax(1) == labels
    return {"correct": correct, "loss": (losses, weights[labels])}

class Timed:
    '''Batches that say when they were read, which differs between ranks.'''

    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.inputs = torch.randn(50, 8, generator=generator)
        self.labels = torch.randint(4, (50,), generator=generator)

    def __iter__(self):
        for inputs, labels in zip(self.inputs.split(16), self.labels.split(16)):
            yield inputs, labels, time.time()

def build():
    torch.manual_seed(0)
    return Problem(torch.nn.Linear(8, 4), {"train": Timed()}, objective)
"""


@pytest.fixture
def config(workplace):
    workplace.write("weighing.py", MODULE)
    keys = {"grid": {"x": [-1, 1, 3], "y": [-1, 1, 3]}}
    keys["measures"] = {"gradient": {"quantity": "loss"}}
    return workplace.config("weighing:build", **keys)


def test_the_centre_is_pytorchs_own_mean(config, landscape, workplace):
    import weighing

    code, _, error = landscape("compute", config)
    assert code == 0, error
    surface = read_surface(workplace.folder / "surface.h5")
    problem = weighing.build()
    data, model = problem.splits["train"], problem.model
    loss = functional.cross_entropy(model(data.inputs), data.labels, weighing.WEIGHTS)
    assert surface.values["train", "loss"][1, 1] == pytest.approx(loss.item(), rel=1e-6)
    loss.backward()
    norm = sum(one.grad.double().square().sum().item() for one in model.parameters()) ** 0.5
    assert surface.values["train", "gradient_norm"][1, 1] == pytest.approx(norm, rel=1e-5)


@pytest.mark.mpi
@pytest.mark.slow
def test_two_ranks_give_the_same_bits(config, surface_of, workplace):
    """The time in a batch differs when it is read again, so it has no part in comparing ranks."""
    alone = surface_of(config, "--set", "threads=1")
    shared = workplace.surface(config, "--overwrite", ranks=2)
    for key, values in alone.values.items():
        np.testing.assert_array_equal(values, shared.values[key])
        np.testing.assert_array_equal(alone.stderr[key], shared.stderr[key])
    assert alone.provenance["splits"] == shared.provenance["splits"]
