"""The Hessian of the mean loss."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landscape_cli.evaluation.derivatives.differentiation import gradients
from landscape_cli.evaluation.derivatives.matrices.base import Matrix
from landscape_cli.evaluation.derivatives.variables import inner


class Hessian(Matrix):
    """The matrix of second derivatives, H = (1/N) sum_i of those of l_i.

    A product is the gradient of an inner product, H v = grad (grad L . v) (Pearlmutter 1994), by
    two reverse passes, so that any objective that PyTorch can differentiate twice will do. Where a
    network is piecewise linear (ReLU), this is the Hessian within a piece; the kinks between pieces
    add curvature to a drawn surface, which no second derivative sees.
    """

    title: ClassVar[str] = "Hessian"

    def sums(self, batch: Any, vectors: Tensor) -> Tensor:
        """Return the products of vectors with the Hessian of the sum over a batch's samples."""
        leaves = self.variables.leaves
        total = self.loss.on(batch).values.sum()
        slopes = gradients(total, leaves, create_graph=True)
        products = []
        for number, vector in enumerate(vectors):
            along = inner(slopes, self.variables.tensors(vector))
            more = number + 1 < len(vectors)
            products.append(gradients(along, leaves, retain_graph=more))
        del slopes, total
        return self._collect(products) if products else torch.zeros_like(vectors)
