"""Curve files through networks with random weights, written without training."""

import numpy as np
import torch

from landscape_cli.records.curves.trained import Curve
from landscape_cli.store.curve_file import CurvePoints, write_curve

SEEDS = {"a": 1, "bend": 2, "other": 3, "b": 4}


def network(name, problem="regression"):
    """Return the problem with weights that differ for each name."""
    import example

    found = getattr(example, problem)()
    generator = torch.Generator().manual_seed(SEEDS[name])
    with torch.no_grad():
        for tensor in found.model.parameters():
            tensor.add_(0.3 * torch.randn(tensor.shape, generator=generator))
    return found


def parameters(name, problem="regression"):
    named = network(name, problem).model.named_parameters()
    return {key: tensor.detach().clone() for key, tensor in named}


def save(workplace, shape, names, problem="regression", steps=0):
    """Write the networks at both ends, and a curve file through networks with these names.

    With ``steps``, that many steps of its training are left to do.
    """
    for name in (names[0], names[-1]):
        state = network(name, problem).model.state_dict()
        torch.save(state, workplace.folder / f"{name}.pt")
    points = [
        {key: tensor.numpy() for key, tensor in parameters(name, problem).items()} for name in names
    ]
    ends = (f"{names[0]}.pt", f"{names[-1]}.pt")
    none = np.full(steps, np.nan)
    curve = Curve(shape, len(names), ends, none, none, done=0, complete=not steps)
    write_curve(workplace.folder / "ab.curve.h5", curve, CurvePoints(points))
