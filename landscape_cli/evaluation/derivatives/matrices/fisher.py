"""The empirical Fisher matrix."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.derivatives.differentiation import gradients
from landscape_cli.evaluation.derivatives.matrices.base import Matrix
from landscape_cli.evaluation.derivatives.variables import inner


class EmpiricalFisher(Matrix):
    """The second moment of the samples' gradients, F = (1/N) sum_i g_i g_i^T.

    It takes the data's own labels, unlike the Fisher information, whose labels are drawn from the
    model (Kunstner, Balles & Hennig 2019, *Limitations of the empirical Fisher approximation*,
    eq. 3). With the Jacobian J of the values of a batch, J^T J v needs J v, which is a derivative
    of the vector-Jacobian product u -> J^T u, since that is linear in u.
    """

    title: ClassVar[str] = "empirical Fisher matrix"
    semidefinite: ClassVar[bool] = True

    def sums(self, batch: Any, vectors: Tensor) -> Tensor:
        """Return J^T J v for the values of a batch and each of the vectors."""
        found = self.loss.on(batch)
        if found.weights is not None:
            raise ProblemError(
                "matrix: fisher needs one value for each sample, but the objective returns pairs "
                "(sums, weights); choose hessian or ggn, or return plain values"
            )
        leaves, values = self.variables.leaves, found.values
        dummy = torch.zeros_like(values, requires_grad=True)
        pulled = gradients(values, leaves, dummy, create_graph=True)
        products = []
        for vector in vectors:
            along = inner(pulled, self.variables.tensors(vector))
            (slopes,) = gradients(along, [dummy], retain_graph=True)
            weights = dummy.detach() if slopes is None else slopes.detach()
            products.append(gradients(values, leaves, weights, retain_graph=True))
        return self._collect(products)
