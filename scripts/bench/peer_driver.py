"""One turn of another tool in peers.py, in the environment where that tool is installed.

Usage: peer_driver.py TOOL NETWORK.pt POINTS THREADS

Computes a plane of POINTS x POINTS around a trained network, as the tool's own introduction shows,
and prints ``{"seconds": ..., "finite": ...}``: the time of the tool's call, with directions, and
the fraction of its losses that are finite. Only the tool, what it needs, PyTorch and the class of
the network are imported.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

BATCH = 128

Plane = Callable[[nn.Module, Tensor, Tensor, int], Any]
"""Computes the losses of a plane: of a model, its inputs and labels, and points along an axis."""


def loss_landscapes(model: nn.Module, inputs: Tensor, labels: Tensor, points: int) -> Any:
    """All samples are one batch, since its metric takes no loader."""
    from loss_landscapes import random_plane
    from loss_landscapes.metrics import Loss

    metric = Loss(nn.CrossEntropyLoss(), inputs, labels)
    return random_plane(model, metric, distance=1, steps=points, normalization="filter")


def landscaper(model: nn.Module, inputs: Tensor, labels: Tensor, points: int) -> Any:
    """All samples are one batch; directions are normalized tensor by tensor."""
    from landscaper import LossLandscape
    from landscaper.utils import generate_random_orthogonal_directions

    def loss(network: nn.Module, data: tuple[Tensor, Tensor]) -> float:
        return nn.functional.cross_entropy(network(data[0]), data[1]).item()

    directions = generate_random_orthogonal_directions(model, n=2)
    plane = LossLandscape.compute(
        model,
        (inputs, labels),
        directions,
        loss,
        steps=points,
        distance=1.0,
        dim=2,
        device="cpu",
    )
    return plane.loss


def losscape(model: nn.Module, inputs: Tensor, labels: Tensor, points: int) -> Any:
    """Directions are normalized tensor by tensor; it also draws and saves a picture."""
    from losscape.create_landscape import create_3D_losscape

    loader = DataLoader(TensorDataset(inputs, labels), BATCH)
    with tempfile.TemporaryDirectory() as folder:
        _, _, losses = create_3D_losscape(
            model,
            loader,
            num_batches=len(loader),
            save_only=True,
            output_path=folder,
            num_points=points,
        )
    return losses


def loss_landscape_3d(model: nn.Module, inputs: Tensor, labels: Tensor, points: int) -> Any:
    """Running statistics of batch norm are moved, too."""
    from loss_landscape_3d import LossLandscapeCalculator, generate_random_directions

    loader = DataLoader(TensorDataset(inputs, labels), BATCH)
    directions = generate_random_directions(model, normalize=True)
    calculator = LossLandscapeCalculator(model, loader, nn.CrossEntropyLoss())
    centre = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    axis = np.linspace(-1, 1, points)
    return calculator.calculate(axis, axis, *directions, center_state=centre)


TOOLS: dict[str, Plane] = {
    "loss_landscapes": loss_landscapes,
    "landscaper": landscaper,
    "losscape": losscape,
    "loss_landscape_3d": loss_landscape_3d,
}
"""By the module that each of them is imported by."""


def main() -> None:
    tool, path, points, threads = sys.argv[1:]
    importlib.import_module(tool)
    torch.set_num_threads(int(threads))
    torch.manual_seed(0)
    saved = torch.load(path, weights_only=True)
    module, _, name = saved["class"].partition(":")
    model = getattr(importlib.import_module(module), name)(**saved["args"])
    model.load_state_dict(saved["state"])
    model.eval()
    with contextlib.redirect_stdout(sys.stderr):
        start = time.perf_counter()
        losses = TOOLS[tool](model, saved["inputs"], saved["labels"], int(points))
        took = time.perf_counter() - start
    finite = float(np.isfinite(np.asarray(losses, dtype=float)).mean())
    print(json.dumps({"seconds": took, "finite": finite}))


if __name__ == "__main__":
    main()
