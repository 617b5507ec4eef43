"""Benchmark of a step of a curve's training, beside an ordinary step of SGD.

Prints one JSON line per figure; see docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import torch
from curvature import alternating
from reporting import REPEATS, emit, median_ratio
from torch import Tensor, nn

from landscape_cli.evaluation.derivatives import backward
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.devices import choose_device
from landscape_cli.evaluation.training.curve import CurveTraining, straight
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.zoo.mlp import MLP
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.records.curves import curve_of
from landscape_cli.util import accelerators

STEPS = 4
DECAY = 5e-4

Batch = tuple[Tensor, Tensor]


def ordinary(model: nn.Module, batch: Batch, device: torch.device) -> Callable[[], object]:
    """Return a function that takes some steps of SGD with momentum and weight decay."""
    optimizer = torch.optim.SGD(model.parameters(), 1e-4, 0.9, weight_decay=DECAY)
    model.train()

    def steps() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = cross_entropy(model, batch)["loss"].mean()
            backward(loss, model.parameters())
            optimizer.step()
            loss.item()
        accelerators.synchronize(device)

    return steps


def along_curve(model: nn.Module, batch: Batch, device: torch.device) -> Callable[[], object]:
    """Return a function that takes as many steps of a Bezier curve with one bend."""
    parameters = FlatParameters.of_model(model, device)
    first = {name: view.cpu() for name, view in parameters.views.items()}
    last = {name: view + 0.01 for name, view in first.items()}
    points = straight(first, last, parameters, 3)
    training = CurveTraining(
        MeanLoss(model, cross_entropy),
        parameters,
        curve_of("bezier", 3),
        points,
        [points[1].zeros()],
        weight_decay=DECAY,
    )

    def steps() -> None:
        for number in range(STEPS):
            training.step(batch, number / STEPS, 1e-4)
        accelerators.synchronize(device)

    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    device = choose_device(options.device)
    generator = torch.Generator().manual_seed(0)
    cases = {
        "": (lambda: ResNet(20), torch.randn(128, 3, 32, 32, generator=generator)),
        "_mlp": (lambda: MLP(64, [256, 256]), torch.randn(128, 64, generator=generator)),
    }
    for name, (build, inputs) in cases.items():
        labels = torch.randint(10, (128,), generator=generator)
        batch = inputs.to(device), labels.to(device)
        sides = {
            "sgd": ordinary(build().to(device), batch, device),
            "curve": along_curve(build().to(device), batch, device),
        }
        times = alternating(sides, options.repeats)
        medians = {f"{side}_seconds": statistics.median(t) / STEPS for side, t in times.items()}
        ratio = median_ratio(times["curve"], times["sgd"])
        more = {"device": str(device), "threads": torch.get_num_threads()}
        target = "<= 1.1" if not name else None
        emit(f"curve_step_overhead{name}", ratio, "ratio", target=target, **medians, **more)


if __name__ == "__main__":
    main()
