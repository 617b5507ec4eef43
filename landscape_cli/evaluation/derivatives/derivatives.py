"""The mean loss over a split: its value, its gradient, and products with a matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from landscape_cli.evaluation.derivatives.local_sums import LocalSums, Task
from landscape_cli.evaluation.derivatives.tree_sums import root
from landscape_cli.evaluation.derivatives.variables import Variables

Sums = Callable[[Task, "Tensor | None"], Tensor]
"""``(task, vectors) -> sum over all batches``."""


def ignore(products: int) -> None:
    """Ignore that products are done."""


@dataclass
class Derivatives:
    """The mean loss at the current parameters, and its derivatives.

    It is called with vectors like the matrix that it stands for: ``derivatives(vectors)`` are the
    products. Sums are in float64 and in an order that depends on nothing but the batches, so that
    repeated calls return the same bits on a CPU, on any number of ranks. On a GPU, PyTorch's
    backward passes may add in varying order.

    Args:
        variables: the parameters.
        sums: adds over all batches, on one rank or on several.
        after: called with the number of products just done.

    Attributes:
        products: the number of products so far.

    Example:
        >>> from torch.utils.data import TensorDataset
        >>> from landscape_cli.evaluation.data.split import SplitData
        >>> from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
        >>> from landscape_cli.geometry.parameters import FlatParameters
        >>> from landscape_cli.problems.objectives import mean_squared_error
        >>> model, cpu = torch.nn.Linear(2, 1, bias=False), torch.device("cpu")
        >>> variables = Variables(model, FlatParameters.of_model(model, cpu))
        >>> data = TensorDataset(torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.zeros(2, 1))
        >>> split = SplitData("train", data, 64, cpu)
        >>> hessian = local(LocalSums(MeanLoss(model, mean_squared_error), variables, split))
        >>> hessian(torch.eye(2, dtype=torch.float64)).tolist()  # 2/N X^T X
        [[1.0, 0.0], [0.0, 4.0]]
    """

    variables: Variables
    sums: Sums
    after: Callable[[int], None] = ignore
    products: int = 0
    _weight: float | None = field(default=None, init=False)

    @property
    def size(self) -> int:
        """The number of parameters P, by real entries."""
        return self.variables.size

    @property
    def dtype(self) -> torch.dtype:
        """The precision of products."""
        return self.variables.dtype

    @property
    def device(self) -> torch.device:
        """The device of vectors."""
        return self.variables.device

    def loss(self) -> float:
        """Return the mean loss, NaN without any weight."""
        total, weight = self.sums("values", None).tolist()
        self._weight = weight
        return float(total / weight) if weight else float("nan")

    def gradient(self) -> Tensor:
        """Return the gradient of the mean loss, float64, shape (P,)."""
        found = self.sums("gradient", None)
        self._weight = float(found[-1])
        return found[:-2] / self._divisor

    def __call__(self, vectors: Tensor) -> Tensor:
        """Return products with the matrix, of the mean over all samples.

        Several vectors at once share a forward pass and a gradient.

        Args:
            vectors: float64, shape (k, P).

        Returns:
            float64, shape (k, P).
        """
        if self._weight is None:
            self.loss()
        found = self.sums("products", vectors) / self._divisor
        self.products += len(vectors)
        self.after(len(vectors))
        return found

    @property
    def _divisor(self) -> float:
        return self._weight or float("nan")


def local(sums: LocalSums) -> Derivatives:
    """Return the derivatives over all batches on this rank."""

    def total(task: Task, vectors: Tensor | None) -> Tensor:
        return root(sums.nodes(task, vectors, range(sums.batches)), sums.batches)

    return Derivatives(sums.variables, total)
