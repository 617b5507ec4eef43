"""Sums of values and derivatives over some of a split's batches, on one rank."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor

from landscape_cli.errors import ProblemError
from landscape_cli.evaluation.data.batches import batch_length, divisible, regroup
from landscape_cli.evaluation.data.split import SplitData
from landscape_cli.evaluation.derivatives.conditions import differentiable, full_precision
from landscape_cli.evaluation.derivatives.differentiation import gradients
from landscape_cli.evaluation.derivatives.matrices import matrix_class
from landscape_cli.evaluation.derivatives.mean_loss import MeanLoss
from landscape_cli.evaluation.derivatives.tree_sums import Node, nodes_of, summed
from landscape_cli.evaluation.derivatives.variables import Variables
from landscape_cli.evaluation.out_of_memory import give_back, out_of_memory, too_large

Task = Literal["values", "gradient", "products"]
"""What is summed: values and weights, shape (2,); the gradient with these behind it, shape
(P + 2,); products of vectors with the matrix, shape (k, P)."""


def nothing() -> None:
    """Do nothing before a pass over the data."""


class LocalSums:
    """Sums over batches of a split, at the parameters that the model has.

    The model has to be in eval mode, without folded norms, uncompiled, in float32 or float64. If
    memory runs out, batches are divided into halves from then on, which changes rounding.

    Args:
        loss: the value that is differentiated.
        variables: the parameters to differentiate by.
        data: the batches, loaded.
        matrix: a name in ``MATRICES``, for products.
        before: called before each pass over the data, to restore what forward passes change.

    Attributes:
        batches: the number of batches.
        notes: remarks on batches that had to be divided.
    """

    def __init__(
        self,
        loss: MeanLoss,
        variables: Variables,
        data: SplitData,
        matrix: str = "hessian",
        before: Callable[[], None] = nothing,
    ) -> None:
        self.loss = loss
        self.variables = variables
        self.data = data
        self.matrix = matrix_class(matrix)(loss, variables)
        self.batches = sum(1 for _ in data)
        self.notes: list[str] = []
        self._before = before
        self._piece: int | None = None

    def nodes(self, task: Task, vectors: Tensor | None, span: range) -> dict[Node, Tensor]:
        """Return the sums over consecutive batches, as nodes of the tree over all batches.

        Args:
            task: what to sum.
            vectors: for products, float64, shape (k, P).
            span: the numbers of the batches.

        Returns:
            float64 tensors by node.

        Raises:
            ProblemError: if the objective does not allow it, or its result is invalid.
        """
        self._before()
        numbered = _Numbered(self.data)
        try:
            return {
                node: summed(
                    node, self.batches, lambda number: self._leaf(task, vectors, numbered[number])
                )
                for node in nodes_of(span, self.batches)
            }
        finally:
            numbered.close()

    def _leaf(self, task: Task, vectors: Tensor | None, batch: Any) -> Tensor:
        """Return the sum over a batch, in halves if memory runs out."""
        while True:
            try:
                pieces = [self._on(task, vectors, piece) for piece in self._pieces(batch)]
                break
            except Exception as error:
                if not out_of_memory(error):
                    raise
                failure = error.with_traceback(None)
            # Outside the handler, where no traceback keeps the batch's graph alive.
            if not self._halve(batch):
                raise failure
        total = pieces[0]
        for piece in pieces[1:]:
            total += piece
        return total

    def _on(self, task: Task, vectors: Tensor | None, batch: Any) -> Tensor:
        if task == "values":
            with torch.no_grad(), full_precision():
                return self.loss.on(batch).sums()
        with differentiable(self.loss.model, self.variables):
            if task == "gradient":
                return self._gradient(batch)
            assert vectors is not None
            return self.matrix.sums(batch, vectors)

    def _gradient(self, batch: Any) -> Tensor:
        found = self.loss.on(batch)
        if not found.values.requires_grad:
            raise ProblemError(
                "objective: its values can't be differentiated; does it detach tensors, compute "
                "under torch.no_grad(), or is the network quantized or made for inference only?"
            )
        slopes = gradients(found.values.sum(), self.variables.leaves)
        vector = self.variables.vector(slopes)
        return torch.cat([vector, found.sums().to(vector.device)])

    def _pieces(self, batch: Any) -> Iterable[Any]:
        return [batch] if self._piece is None else regroup([batch], self._piece)

    def _halve(self, batch: Any) -> bool:
        """Let batches be divided further, and return whether that was possible."""
        before = self._piece or batch_length(batch) or 1
        if before < 2 or not divisible([batch]):
            return False
        if self.data.dependence is not None:
            raise too_large(self.data.name, before)
        give_back(self.data.device)
        self._piece = before // 2
        self.notes.append(
            f"derivatives of {before} samples at a time ran out of memory; continued with "
            f"{self._piece}"
        )
        return True


class _Numbered:
    """Batches by number, asked for in ascending order."""

    def __init__(self, data: SplitData) -> None:
        self._batches: Iterator[Any] = iter(data)
        self._next = 0

    def __getitem__(self, number: int) -> Any:
        while True:
            batch = next(self._batches)
            self._next += 1
            if self._next > number:
                return batch

    def close(self) -> None:
        close = getattr(self._batches, "close", None)
        if close is not None:
            close()
