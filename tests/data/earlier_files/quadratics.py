"""A problem whose values have no rounding at dyadic coordinates, so that its bits are portable."""

import os
import time

import torch
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.problems import Problem

CENTRE = [[0.5, -0.25, 1.0], [0.125, 0.75, -0.5]]


def problem():
    """A linear regression of 64 samples, 3 features and 2 outputs, all multiples of 1/8."""
    model = nn.Linear(3, 2, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.tensor(CENTRE))
        model.bias.copy_(torch.tensor([0.25, -0.125]))
    numbers = torch.arange(64 * 5, dtype=torch.float64).reshape(64, 5)
    table = ((numbers * 7) % 33 - 16) / 8
    splits = {
        "train": TensorDataset(table[:, :3], table[:, 3:]),
        "test": TensorDataset(table[:32, :3], -table[:32, 3:]),
    }
    return Problem(model, splits, squared_error, name="quadratics")


def squared_error(model, batch):
    """The squared error summed over outputs, and the largest absolute error, of each sample."""
    inputs, targets = batch
    time.sleep(float(os.environ.get("SECONDS_PER_BATCH", "0")))
    errors = model(inputs) - targets
    return {"loss": (errors**2).sum(1), "largest": errors.abs().amax(1)}
