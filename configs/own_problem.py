"""Your own problem: everything that landscape needs to know about your network and data.

Copy this file, replace the three parts, and name it in a configuration (see own_problem.yaml).
Model and data are plain PyTorch; only `Problem` comes from landscape.
"""

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import TensorDataset

from landscape_cli.problems import Problem


def build(width: int = 32) -> Problem:
    """Build the problem; a configuration names this function and gives its problem_args."""
    # 1. The model: any module, with any weights; `checkpoint` loads the trained ones.
    model = nn.Sequential(
        nn.Linear(10, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
    )

    # 2. The data, by split name: data sets as here, loaders, or lists of batches.
    splits = load_splits()

    # 3. The quantities: the objective below. The name is the title of plots.
    return Problem(model, splits, objective, name=f"Diabetes regression, {width} tanh units")


def load_splits() -> dict[str, TensorDataset]:
    """Load ten measurements of 442 patients, and the progression of their diabetes a year later."""
    inputs, progression = load_diabetes(return_X_y=True, scaled=False)
    inputs = torch.tensor(inputs, dtype=torch.float32)
    targets = torch.tensor(progression, dtype=torch.float32)

    # Always the same split: a surface is reproducible only if its data are.
    order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))
    train, test = order[:342], order[342:]

    # Standardize with the mean and standard deviation of the training patients.
    inputs = (inputs - inputs[train].mean(dim=0)) / inputs[train].std(dim=0)
    targets = (targets - targets[train].mean()) / targets[train].std()
    return {
        "train": TensorDataset(inputs[train], targets[train]),
        "test": TensorDataset(inputs[test], targets[test]),
    }


def objective(model: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> dict:
    """Return a value of every quantity for each of the batch's n samples, from one forward pass.

    Take no mean here: landscape averages over all samples, and computes the standard error.
    """
    inputs, targets = batch
    errors = model(inputs).squeeze(1) - targets
    return {"loss": errors**2, "absolute_error": errors.abs()}
