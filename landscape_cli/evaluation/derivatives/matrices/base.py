"""The contract of a matrix: products with vectors, batch by batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.derivatives.variables import Variables


@dataclass(frozen=True)
class Matrix(ABC):
    """A symmetric matrix of P x P entries that is a mean over samples, known by its products.

    Attributes:
        title: its name in a sentence.
        semidefinite: True if no eigenvalue can be negative.

    Args:
        loss: the value that is differentiated.
        variables: the parameters it is differentiated by.
    """

    title: ClassVar[str]
    semidefinite: ClassVar[bool] = False

    loss: MeanLoss
    variables: Variables

    @abstractmethod
    def sums(self, batch: Any, vectors: Tensor) -> Tensor:
        """Return the products of vectors with the sum over a batch's samples.

        Args:
            batch: the batch.
            vectors: float64, shape (k, P).

        Returns:
            float64, shape (k, P); divided by the sum of weights over all batches, the sum of these
            is the product with the matrix.

        Raises:
            ProblemError: if the objective does not allow it.
        """

    def _collect(self, products: list[list[Tensor | None]]) -> Tensor:
        return torch.stack([self.variables.vector(product) for product in products])
