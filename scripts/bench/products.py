"""Products with the Hessian of a ResNet whose samples the ranks share; ``curvature.py`` runs them.

Rank 0 prints the median seconds of a product.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable

import torch
from reporting import seconds
from torch.utils.data import TensorDataset

from landscape_cli.evaluation import SplitData
from landscape_cli.evaluation.derivatives.derivatives import Derivatives, local
from landscape_cli.evaluation.derivatives.differentiation import gradients
from landscape_cli.evaluation.derivatives.local_sums import LocalSums
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.derivatives.variables import Variables
from landscape_cli.evaluation.spectrum.start_vectors import gaussian
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.parallel.executor_choice import choose_executor
from landscape_cli.problems.objectives import cross_entropy
from landscape_cli.problems.zoo.resnet import ResNet
from landscape_cli.run.curvature.shared_sums import SharedSums
from landscape_cli.util import accelerators

BATCH = 32
PRODUCTS = 5


class Case:
    """A ResNet-20 on images of noise, the same on every rank, and its Hessian."""

    def __init__(self, device: torch.device, samples: int) -> None:
        torch.manual_seed(0)
        self.device, self.samples = device, samples
        images, labels = torch.randn(samples, 3, 32, 32), torch.randint(10, (samples,))
        self.model = ResNet(20)
        with torch.no_grad():
            self.model(images)  # statistics of batch norm
        self.model.eval()
        self.variables = Variables(self.model, FlatParameters.of_model(self.model, device))
        self.split = SplitData("train", TensorDataset(images, labels), BATCH, device)
        for _ in self.split.load(1 << 40):
            pass
        self.loss = MeanLoss(self.model, cross_entropy)
        self.sums = LocalSums(self.loss, self.variables, self.split)
        self.hessian: Derivatives = local(self.sums)

    @torch.no_grad()
    def forward(self) -> None:
        """Evaluate the objective on the same batches, without a graph."""
        for batch in self.split:
            cross_entropy(self.model, batch)
        accelerators.synchronize(self.device)

    def graph_of(self, order: int) -> Callable[[], object]:
        """Return a function that makes the graph for derivatives of an order on one batch."""
        batch = next(iter(self.split))

        def evaluate() -> object:
            with self.variables.recorded():
                total = self.loss.on(batch).values.sum()
                if order == 1:
                    return total
                return total, gradients(total, self.variables.leaves, create_graph=True)

        return evaluate


def main() -> None:
    executor = choose_executor()
    case = Case(torch.device("cpu"), samples=8 * BATCH)
    vector = gaussian(case.variables.shapes, 1)[None]

    def time_products(hessian: Derivatives) -> float:
        hessian(vector)
        return statistics.median(seconds(lambda: hessian(vector)) for _ in range(PRODUCTS))

    took = SharedSums(executor, case.sums).run(time_products)
    if executor.rank == 0:
        print(json.dumps({"seconds": took}))


if __name__ == "__main__":
    main()
