"""The generalized Gauss-Newton matrix."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from landscape_cli.evaluation.derivatives.differentiation import gradients
from landscape_cli.evaluation.derivatives.matrices.base import Matrix
from landscape_cli.evaluation.derivatives.outputs import cut_at_outputs
from landscape_cli.evaluation.derivatives.variables import inner
from landscape_cli.util.tensors import as_real


class GaussNewton(Matrix):
    """The Hessian without the network's own curvature, G = (1/N) sum_i J_i^T H_i J_i.

    J_i is the Jacobian of the network's outputs z for a sample, and H_i the Hessian of its loss by
    z (Schraudolph 2002, *Fast curvature matrix-vector products*, section 2). If the loss is convex
    in z, as cross-entropy in logits is, no eigenvalue is negative.

    The objective has to call the model once and depend on parameters by its outputs only.
    """

    title: ClassVar[str] = "Gauss-Newton matrix"

    def sums(self, batch: Any, vectors: Tensor) -> Tensor:
        """Return J^T H J v for the samples of a batch and each of the vectors."""
        cut = cut_at_outputs(self.loss, batch, self.variables)
        slopes = gradients(cut.total, cut.inputs, create_graph=True)
        leaves = self.variables.leaves
        dummies = [torch.zeros_like(one, requires_grad=True) for one in cut.outputs]
        pulled = gradients(cut.outputs, leaves, dummies, create_graph=True)
        products = []
        for vector in vectors:
            along = inner(pulled, self.variables.tensors(vector))
            pushed = gradients(along, dummies, retain_graph=True)  # J v, linear in v
            moved = [as_real(_known(one, z)) for one, z in zip(pushed, cut.outputs, strict=True)]
            bent = gradients(inner(slopes, moved), cut.inputs, retain_graph=True)  # H J v
            weights = [_known(one, z) for one, z in zip(bent, cut.outputs, strict=True)]
            products.append(gradients(cut.outputs, leaves, weights, retain_graph=True))
        return self._collect(products)


def _known(tensor: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if tensor is None else tensor.detach()
