"""Problems that the tests run; copied into the folder a test works in, and imported from there."""

import importlib.util
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from landscape_cli.problems import Problem
from landscape_cli.problems.objectives import cross_entropy, mean_squared_error


def rank():
    """The rank that MPICH or Open MPI gave this process, "0" without a launcher."""
    return os.environ.get("PMI_RANK", os.environ.get("OMPI_COMM_WORLD_RANK", "0"))


def regression(samples=50, features=3, dtype="float64"):
    """A linear regression, whose loss on a plane is a polynomial."""
    generator = torch.Generator().manual_seed(0)
    kind = getattr(torch, dtype)
    inputs = torch.randn(samples, features, generator=generator, dtype=torch.float64)
    targets = torch.randn(samples, 1, generator=generator, dtype=torch.float64)
    torch.manual_seed(1)
    model = nn.Linear(features, 1, dtype=torch.float64).to(kind)
    data = TensorDataset(inputs.to(kind), targets.to(kind))
    return Problem(model, {"train": data, "test": data}, mean_squared_error)


def digits_network():
    """A small convolutional network with batch norm, at initialization, on real images."""
    # The file that load_digits reads; importing scikit-learn for it would take a second.
    (package,) = importlib.util.find_spec("sklearn").submodule_search_locations
    digits = Path(package, "datasets", "data", "digits.csv.gz")
    rows = torch.tensor(np.loadtxt(digits, delimiter=",", max_rows=200))
    images = rows[:, :-1].float().reshape(-1, 1, 8, 8) / 16
    labels = rows[:, -1].long()
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(72, 10),
    )
    model(images)  # running statistics of the data
    splits = {
        "train": TensorDataset(images[:130], labels[:130]),
        "test": TensorDataset(images[130:], labels[130:]),
    }
    return Problem(model, splits, cross_entropy, name="small network")


def slow(seconds=0.1, samples=50):
    """A problem whose points take a while, so that a test can interrupt it.

    The centre, where set-up tries things, takes no time. The rest is done quickly if
    EXAMPLE_SECONDS is 0.
    """
    problem = regression(samples)
    seconds = float(os.environ.get("EXAMPLE_SECONDS", seconds))
    centre = problem.model.weight.detach().clone()

    def objective(model, batch):
        if not torch.equal(model.weight.cpu(), centre):
            time.sleep(seconds)
        return mean_squared_error(model, batch)

    return Problem(problem.model, {"train": problem.splits["train"]}, objective)


def raising(on_rank="1", after=3):
    """An objective that fails on one rank after some calls."""
    problem = regression()
    calls = []

    def objective(model, batch):
        calls.append(1)
        if len(calls) > after and rank() == on_rank:
            raise ValueError("the objective broke down")
        time.sleep(0.01)
        return mean_squared_error(model, batch)

    return Problem(problem.model, {"train": problem.splits["train"]}, objective)


def failing(above=0.5, on_rank=None):
    """An objective that fails where the first weight is larger than in the trained network."""
    problem = regression()
    limit = problem.model.weight[0, 0].item() + above

    def objective(model, batch):
        here = on_rank is None or rank() == on_rank
        if here and model.weight[0, 0].item() > limit:
            raise ValueError(f"too far out, for {len(batch[0])} samples")
        return mean_squared_error(model, batch)

    return Problem(problem.model, problem.splits, objective)


def hungry(samples=8, at_centre=True):
    """An objective whose large batches take more memory than any machine has."""
    problem = regression()
    centre = problem.model.weight.detach().clone()

    def objective(model, batch):
        if len(batch[0]) > samples and (at_centre or not torch.equal(model.weight.cpu(), centre)):
            torch.empty(len(batch[0]), 1 << 50)
        return mean_squared_error(model, batch)

    return Problem(problem.model, problem.splits, objective)


def different_data():
    """Data that differs from rank to rank."""
    problem = regression()
    shift = float(rank())
    data = TensorDataset(problem.splits["train"].tensors[0] + shift, torch.zeros(50, 1).double())
    return Problem(problem.model, {"train": data}, mean_squared_error)


class _Wavering(nn.Linear):
    """A layer that puts itself into training mode, as forgotten dropout does."""

    def forward(self, inputs):
        return nn.functional.dropout(super().forward(inputs), 0.5, training=True)


def dropout():
    problem = regression()
    torch.manual_seed(0)
    return Problem(
        _Wavering(3, 1, dtype=torch.float64),
        {"train": problem.splits["train"]},
        mean_squared_error,
    )


def shuffled(drop_last=True):
    data = regression().splits["train"]
    loader = DataLoader(data, batch_size=16, shuffle=True, drop_last=drop_last)
    return Problem(regression().model, {"train": loader}, mean_squared_error)


class _Noisy(Dataset):
    """A data set with random augmentation."""

    def __len__(self):
        return 40

    def __getitem__(self, index):
        return torch.randn(3, dtype=torch.float64), torch.ones(1, dtype=torch.float64)


def augmented():
    return Problem(regression().model, {"train": _Noisy()}, mean_squared_error)


def returning(what="scalar"):
    """An objective that does not return what it should."""

    def objective(model, batch):
        loss = (model(batch[0]) - batch[1]).squeeze(1) ** 2
        return {
            "scalar": {"loss": loss.mean()},
            "short": {"loss": loss[1:]},
            "matrix": {"loss": loss[:, None]},
            "number": {"loss": 1.0},
            "tensor": loss,
            "nothing": {},
            "raises": None,
        }[what] or 1 / 0

    def tensor_objective(model, batch):
        return (model(batch[0]) - batch[1]).squeeze(1) ** 2

    problem = regression()
    chosen = tensor_objective if what == "tensor" else objective
    return Problem(problem.model, {"train": problem.splits["train"]}, chosen)


def empty():
    data = TensorDataset(torch.zeros(0, 3), torch.zeros(0, 1))
    return Problem(nn.Linear(3, 1), {"train": data}, mean_squared_error)


def not_a_problem():
    return 3


def broken():
    return {}["missing"]


def stored_weights(path):
    """Save the weights of the regression, as a training script would."""
    torch.save({"state_dict": regression().model.state_dict()}, path)
