"""The stages at a checkpoint: eigenvalues, trace, density; algorithms of rank 0."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.evaluation.derivatives.derivatives import Derivatives, ignore
from landscape_cli.evaluation.spectrum.critical_sharpness import critical_sharpness
from landscape_cli.evaluation.spectrum.density import quadrature
from landscape_cli.evaluation.spectrum.eigenpairs import Eigenpairs, eigenpairs_of, krylov_space
from landscape_cli.evaluation.spectrum.gradient_share import gradient_shares
from landscape_cli.evaluation.spectrum.krylov import Krylov
from landscape_cli.evaluation.spectrum.operator import TOGETHER, NotFiniteError
from landscape_cli.evaluation.spectrum.start_vectors import Shapes, gaussian, rademacher
from landscape_cli.evaluation.spectrum.trace import mean_and_error, probes
from landscape_cli.records.curvature import Trace
from landscape_cli.run.curvature.logged_operator import LoggedOperator
from landscape_cli.run.curvature.recording import CurvatureRecorder
from landscape_cli.run.curvature.request import Request
from landscape_cli.store.curvature_file import Eigenvectors, numbers_of
from landscape_cli.store.product_log import ProductLog, products_path
from landscape_cli.util.logs import warn
from landscape_cli.util.tensors import as_complex

FIRST_DRAW = 1000
"""Number of the first start vector of the density, beyond those for eigenvalues."""

Move = Callable[["Tensor | None"], None]


def difference_step(dtype: torch.dtype) -> float:
    """Return the step of second differences, where rounding and higher derivatives balance."""
    return 1e-3 if dtype == torch.float64 else 1e-2


@dataclass
class CheckpointStages:
    """Computes the stages of one checkpoint that are left, and records them.

    Args:
        request: what to compute.
        recorder: takes the results.
        checkpoint: the place of the checkpoint.
        identity: facts of network and data that products depend on, for the log.
        capacity: number of vectors in memory; all that are needed if None.
        repeated: called with the number of products that came from the log.
        move: moves the parameters of every rank.
        complex_dimensions: of complex parameters, by name.
        keep_vectors: whether to store the eigenvectors.
    """

    request: Request
    recorder: CurvatureRecorder
    checkpoint: int
    identity: Mapping[str, Any]
    capacity: int | None
    repeated: Callable[[int], None]
    move: Move
    complex_dimensions: Mapping[str, int]
    keep_vectors: bool

    def __call__(self, derivatives: Derivatives) -> None:
        """Compute all stages but those of blocks.

        Raises:
            NotFiniteError: if the loss or a product is not finite.
        """
        found = self._eigenvalues(derivatives)
        if found is not None:
            krylov, log = found
            if self.request.trace:
                self._trace(derivatives, krylov)
            log.remove()
            del found, krylov
        for number in range(self._done("density"), self.request.draws):
            self._density(derivatives, number)

    def block(self, derivatives: Derivatives, number: int) -> None:
        """Compute the eigenvalues of a block, and its trace if there is to be one.

        Raises:
            NotFiniteError: if a product is not finite.
        """
        stored = self.recorder.record.blocks[number]
        log = self._log(f"block {stored.name}", derivatives)
        operator = LoggedOperator(derivatives, log, self.repeated)
        count = self.request.block_values(derivatives.size)
        draws = partial(gaussian, shapes_of(derivatives), self.request.seed)
        krylov = krylov_space(operator, draws, count, capacity=self.capacity)
        pairs = eigenpairs_of(operator, krylov, count, 0)
        stored.eigenvalues[self.checkpoint] = pairs.values
        stored.residuals[self.checkpoint] = pairs.residuals
        if stored.trace is not None and stored.trace.values is not None:
            signs = partial(rademacher, shapes_of(derivatives), self.request.seed)
            values = stored.trace.values[self.checkpoint]
            values[:] = list(probes(operator, signs, range(len(values)), krylov))
            self._average(stored.trace)
        self._advance("blocks")
        log.remove()

    def _done(self, stage: str) -> int:
        return self.recorder.done(stage, self.checkpoint)

    def _advance(self, stage: str) -> None:
        self.recorder.advance(stage, self.checkpoint)
        self.recorder.publish()

    def _log(self, stage: str, derivatives: Derivatives) -> ProductLog:
        key = json.dumps([self.identity, self.request.as_mapping(), stage], default=str)
        dtype = str(derivatives.dtype).removeprefix("torch.")
        path = products_path(self.recorder.path)
        return ProductLog(path, key, derivatives.size, dtype, warn)

    def _eigenvalues(self, derivatives: Derivatives) -> tuple[Krylov, ProductLog] | None:
        """Compute the eigenvalues, and return the subspace for the trace, with its log.

        If an earlier run has the eigenvalues, but not the trace, only the subspace is computed
        again. None if it has both.
        """
        request = self.request
        known = self._done("eigenvalues") > 0
        if known and self._done("trace") >= request.trace:
            return None
        log = self._log("eigenvalues", derivatives)
        operator = LoggedOperator(derivatives, log, ignore if known else self.repeated)
        draws = partial(gaussian, shapes_of(derivatives), request.seed)
        loss = math.nan if known else self._loss(derivatives)
        krylov = krylov_space(
            operator, draws, request.top, request.bottom, request.steps, self.capacity
        )
        if not known:
            pairs = eigenpairs_of(operator, krylov, request.top, request.bottom)
            self._record(derivatives, pairs, loss)
        return krylov, log

    def _loss(self, derivatives: Derivatives) -> float:
        """Return the loss.

        Raises:
            NotFiniteError: if it is not finite.
        """
        loss = derivatives.loss()
        if not math.isfinite(loss):
            label = self.recorder.record.labels[self.checkpoint]
            raise NotFiniteError(
                f"objective: the mean loss at {label} is {loss}, so it has no curvature; choose "
                "another checkpoint"
            )
        return loss

    def _record(self, derivatives: Derivatives, pairs: Eigenpairs, loss: float) -> None:
        record, place = self.recorder.record, self.checkpoint
        gradient = derivatives.gradient()
        square = float(gradient @ gradient)
        known: dict[str, float | NDArray[np.float64]] = {
            "loss": loss,
            "rounding": pairs.rounding,
            "gradient_norm": math.sqrt(square),
            "critical_sharpness": self._critical(derivatives, gradient, pairs, loss),
            "second_differences": np.array(
                [self._difference(derivatives, pairs.vectors[end], loss) for end in (0, -1)]
            ),
        }
        if self.request.top:
            shares = gradient_shares(gradient, pairs.vectors[: self.request.top])
            known["gradient_share"] = float(shares[-1])
        for name, value in known.items():
            getattr(record, name)[place] = value
        record.eigenvalues[place], record.residuals[place] = pairs.values, pairs.residuals
        if self.keep_vectors:
            self.recorder.vectors = self._stored(derivatives, pairs.vectors)
        self._advance("eigenvalues")

    def _difference(self, derivatives: Derivatives, vector: Tensor, loss: float) -> float:
        """Return the second difference of the loss along a unit vector."""
        step = self.recorder.record.difference_step
        sides = [self._loss_at(derivatives, sign * step * vector) for sign in (1, -1)]
        return (math.fsum(sides) - 2 * loss) / step**2

    def _critical(
        self, derivatives: Derivatives, gradient: Tensor, pairs: Eigenpairs, loss: float
    ) -> float:
        largest = float(np.abs(pairs.values).max())
        if not largest > 0:
            return math.nan
        return critical_sharpness(
            lambda step: self._loss_at(derivatives, -step * gradient),
            loss,
            float(gradient @ gradient),
            2 / largest,
            torch.finfo(derivatives.dtype).eps,
        )

    def _loss_at(self, derivatives: Derivatives, offset: Tensor) -> float:
        self.move(offset)
        try:
            return derivatives.loss()
        finally:
            self.move(None)

    def _trace(self, derivatives: Derivatives, krylov: Krylov) -> None:
        record, place, total = self.recorder.record, self.checkpoint, self.request.trace
        assert record.trace is not None
        assert record.trace.values is not None
        values = record.trace.values[place]
        first = self._done("trace")
        # Whole groups are multiplied together, so that a continued run has the same groups.
        signs = partial(rademacher, shapes_of(derivatives), self.request.seed)
        found = probes(derivatives, signs, range(first, total), krylov)
        for number, value in enumerate(found, start=first):
            values[number] = value
            if (number + 1) % TOGETHER == 0 or number + 1 == total:
                self.recorder.advance("trace", place, number + 1 - self._done("trace"))
                self.recorder.publish_if_due()
        self._average(record.trace)
        self.recorder.publish()

    def _average(self, trace: Trace) -> None:
        """Set the mean of the probes of this checkpoint, and its error."""
        assert trace.values is not None
        place = self.checkpoint
        trace.mean[place], trace.stderr[place] = mean_and_error(trace.values[place])

    def _density(self, derivatives: Derivatives, number: int) -> None:
        record, steps = self.recorder.record, min(self.request.density_steps, derivatives.size)
        assert record.density is not None
        log = self._log(f"density {number}", derivatives)
        operator = LoggedOperator(derivatives, log, self.repeated)
        start = gaussian(shapes_of(derivatives), self.request.seed, FIRST_DRAW + number)
        keep = self.capacity is None or steps <= self.capacity
        nodes, weights = quadrature(operator, start, steps, keep)
        record.density.nodes[self.checkpoint, number] = nodes
        record.density.weights[self.checkpoint, number] = weights
        self._advance("density")
        log.remove()

    def _stored(self, derivatives: Derivatives, vectors: Tensor) -> Eigenvectors:
        """Return the eigenvectors by parameter, in the precision of the products."""
        tensors = {}
        numbers = numbers_of(self.recorder.record)
        for number, vector in zip(numbers, vectors, strict=True):
            named = derivatives.variables.named(vector.to(derivatives.dtype))
            tensors[number] = {name: self._array(name, part) for name, part in named.items()}
        return Eigenvectors(self.checkpoint, tensors)

    def _array(self, name: str, part: Tensor) -> NDArray[Any]:
        whole = part.cpu().contiguous()
        if name in self.complex_dimensions:
            whole = as_complex(whole, self.complex_dimensions[name])
        array: NDArray[Any] = whole.numpy()
        return array


def shapes_of(derivatives: Derivatives) -> Shapes:
    """Return the shapes of the parameters by name."""
    return {name: tuple(shape) for name, shape in derivatives.variables.shapes.items()}
