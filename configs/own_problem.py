"""A problem of one's own: everything that landscape needs to know of your network and data.

Copy this file, replace the three parts, and name it in a configuration (see own_problem.yaml).
The model and the data are plain PyTorch; only `Problem` comes from landscape.
"""

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.problems import Problem


def build(width: int = 32) -> Problem:
    """The function that the configuration names; its arguments are problem_args there."""
    # 1. The model: any module, with any weights; `checkpoint` puts trained ones into it.
    model = nn.Sequential(
        nn.Linear(10, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
    )

    # 2. The data, by name: data sets as here, or loaders, or lists of batches.
    splits = load_splits()

    # 3. What is measured: the objective below. The name is for the title of plots.
    return Problem(model, splits, objective, name=f"Diabetes regression, {width} tanh units")


def load_splits() -> dict[str, TensorDataset]:
    """Ten measurements of 442 patients and how far their diabetes has gone a year later."""
    inputs, progression = load_diabetes(return_X_y=True, scaled=False)
    inputs = torch.tensor(inputs, dtype=torch.float32)
    targets = torch.tensor(progression, dtype=torch.float32)

    # Always the same split: a surface is only reproducible if its data are.
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
    train, test = order[:342], order[342:]

    # Mean 0 and standard deviation 1, with the numbers of the training patients only.
    inputs = (inputs - inputs[train].mean(dim=0)) / inputs[train].std(dim=0)
    targets = (targets - targets[train].mean()) / targets[train].std()
    return {
        "train": TensorDataset(inputs[train], targets[train]),
        "test": TensorDataset(inputs[test], targets[test]),
    }


def objective(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> dict:
    """One forward pass, and for each of the batch's n samples a value of every quantity.

    There is no mean here: landscape averages over all samples and so knows the standard error.
    """
    inputs, targets = batch
    errors = model(inputs).squeeze(1) - targets
    return {"loss": errors**2, "absolute_error": errors.abs()}
