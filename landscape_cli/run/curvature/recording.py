"""The curvature file of a run, on rank 0: arrays in memory, published after each stage."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.errors import StoreError
from landscape_cli.records.curvature import Block, Curvature, Density, Trace
from landscape_cli.records.tiles import Status
from landscape_cli.run.curvature.request import Request
from landscape_cli.store.atomic_write import Check, rescue, unchecked
from landscape_cli.store.curvature_file import Eigenvectors, write_curvature
from landscape_cli.store.recorder import interval

STAGES = ("eigenvalues", "trace", "density", "blocks")
"""Stages at each checkpoint, in their order."""


class CurvatureRecorder:
    """Collects the numbers of each checkpoint, and publishes the file.

    A file that temporarily can't be written does not stop the run.

    Args:
        path: the file.
        record: the record to continue, or one from ``empty_record``; its arrays are filled.
        vectors: the eigenvectors in the file.
        warn: receives a message when the file can't be written.
        check: called before each replacement of the file; raises to prevent it.
    """

    def __init__(
        self,
        path: Path,
        record: Curvature,
        vectors: Eigenvectors | None = None,
        warn: Callable[[str], None] = lambda text: None,
        check: Check = unchecked,
    ) -> None:
        self.path = path
        self.record = record
        self.vectors = vectors
        self._warn, self._check = warn, check
        self._interval = 1.0
        self._published = -math.inf

    def done(self, stage: str, checkpoint: int) -> int:
        """Return how many parts of a stage are done."""
        return int(self.record.progress[stage][checkpoint])

    def advance(self, stage: str, checkpoint: int, parts: int = 1) -> None:
        """Count parts of a stage as done."""
        self.record.progress[stage][checkpoint] += parts

    def finish(self, checkpoint: int, status: Status) -> None:
        """Set the status of a checkpoint of which nothing is left to do."""
        if status != Status.OK:
            for array in (self.record.eigenvalues, self.record.residuals):
                array[checkpoint] = np.nan
        self.record.status[checkpoint] = status

    def note(self, facts: Mapping[str, Any]) -> None:
        """Add entries to the file's provenance."""
        self.record = replace(self.record, provenance={**self.record.provenance, **facts})

    def begin(self) -> None:
        """Write the file for the first time.

        Raises:
            StoreError: if it can't be written.
        """
        write_curvature(self.path, self.record, self.vectors, self._check)

    def publish(self) -> None:
        """Write the file now; if that fails, warn and go on."""
        start = time.monotonic()
        try:
            write_curvature(self.path, self.record, self.vectors, self._check)
        except StoreError as error:
            self._warn(f"{error}; computing continues")
        self._published = time.monotonic()
        self._interval = interval(self._published - start)

    def publish_if_due(self) -> None:
        """Write the file unless it was written a moment ago."""
        if time.monotonic() - self._published >= self._interval:
            self.publish()

    def end(self) -> None:
        """Write the file for the last time, if necessary as a rescue file in the current folder.

        Raises:
            PublishError: if the file itself can't be written; the message says where the numbers
                are.
        """
        try:
            return write_curvature(self.path, self.record, self.vectors, self._check)
        except StoreError as error:
            failure = error
        raise rescue(
            self.path, failure, lambda path: write_curvature(path, self.record, self.vectors)
        )


def parts_of(request: Request) -> dict[str, int]:
    """Return the number of parts of each stage of a checkpoint."""
    return {
        "eigenvalues": 1,
        "trace": request.trace,
        "density": request.draws,
        "blocks": len(request.blocks),
    }


def empty_record(
    request: Request,
    size: int,
    block_sizes: Sequence[int],
    labels: tuple[str, ...],
    difference_step: float,
    **facts: Any,
) -> Curvature:
    """Return a record in which everything is to do.

    Args:
        request: what to compute.
        size: number of rows of the matrix.
        block_sizes: of each block.
        labels: of the checkpoints.
        difference_step: step of second differences.
        facts: further attributes of the record.
    """
    count = len(labels)

    def unknown(*shape: int) -> Any:
        return np.full((count, *shape), np.nan)

    def trace() -> Trace | None:
        probes = request.trace
        return Trace(unknown(), unknown(), probes, unknown(probes)) if probes else None

    draws = (request.draws, min(request.density_steps, size))
    values = [request.block_values(one) for one in block_sizes]
    return Curvature(
        matrix=request.matrix,
        parameters=size,
        labels=labels,
        status=np.zeros(count, np.uint8),
        eigenvalues=unknown(request.wanted),
        residuals=unknown(request.wanted),
        top=request.top,
        gradient_norm=unknown(),
        gradient_share=unknown(),
        density=Density(unknown(*draws), unknown(*draws)) if request.draws else None,
        trace=trace(),
        blocks=tuple(
            Block(name, rows, unknown(k), unknown(k), trace())
            for name, rows, k in zip(request.blocks, block_sizes, values, strict=True)
        ),
        loss=unknown(),
        rounding=unknown(),
        second_differences=unknown(2),
        difference_step=difference_step,
        critical_sharpness=unknown(),
        progress={stage: np.zeros(count, np.int64) for stage in STAGES},
        **facts,
    )
