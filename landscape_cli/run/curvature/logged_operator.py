"""An operator whose products are kept in a log, so that an interrupted algorithm is repeated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_cli.evaluation.spectrum.operator import Operator
from landscape_cli.store.product_log import ProductLog


@dataclass
class LoggedOperator:
    """A matrix whose products come from a log as long as it has them.

    Products are rounded to the matrix's precision, in which they are logged.

    Args:
        matrix: the matrix.
        log: the products of an interrupted run, to which those of this run are added.
        repeated: called with the number of products that came from the log.
    """

    matrix: Operator
    log: ProductLog
    repeated: Callable[[int], None]

    @property
    def size(self) -> int:
        """The number of rows P."""
        return self.matrix.size

    @property
    def dtype(self) -> torch.dtype:
        """The precision of products."""
        return self.matrix.dtype

    @property
    def device(self) -> torch.device:
        """The device of vectors."""
        return self.matrix.device

    def __call__(self, vectors: Tensor) -> Tensor:
        """Return the products with vectors of shape (k, P)."""
        keys = [vector.to("cpu", self.dtype).numpy() for vector in vectors]
        known: list[Tensor] = []
        for key in keys:
            if (logged := self.log.next(key)) is None:
                break
            known.append(torch.tensor(logged))
        self.repeated(len(known))
        if len(known) < len(keys):
            # Vectors that share a pass may differ in rounding from those that do not.
            computed = self.matrix(vectors).to("cpu", self.dtype)
            for key, one in zip(keys[len(known) :], computed[len(known) :], strict=True):
                self.log.append(key, one.numpy())
            known += computed[len(known) :]
        return torch.stack(known).to(vectors.device).double()
