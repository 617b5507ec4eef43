"""Curvature at one or more checkpoints: eigenvalues, spectral density, trace, values of blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError
from landscape_cli.records.tiles import Status

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Density:
    """A spectral density by stochastic Lanczos quadrature, not smoothed.

    Ubaru, Chen and Saad 2017; Ghorbani, Krishnan and Xiao 2019, algorithm 1.

    Args:
        nodes: Ritz values, of shape (checkpoints, probes, steps).
        weights: the weight of each node, of the same shape; those of a probe sum to 1. Nodes that
            a probe lacks, because its Krylov space ended early, have weight 0.
    """

    nodes: Floats
    weights: Floats


@dataclass(frozen=True)
class Trace:
    """Estimates of a trace.

    Args:
        mean: the estimate, of shape (checkpoints,).
        stderr: its standard error, of the same shape.
        probes: number of random vectors.
        values: the estimate from each of them, of shape (checkpoints, probes), or None.
    """

    mean: Floats
    stderr: Floats
    probes: int
    values: Floats | None = None


@dataclass(frozen=True)
class Block:
    """The curvature of some parameters, with all others fixed.

    Args:
        name: the pattern that selects the parameters, such as ``layer1.*``.
        parameters: their number of entries.
        eigenvalues: as of ``Curvature``, of shape (checkpoints, k).
        residuals: of the same shape.
        trace: None if it was not estimated.
    """

    name: str
    parameters: int
    eigenvalues: Floats
    residuals: Floats
    trace: Trace | None = None


@dataclass(frozen=True)
class Curvature:
    """The spectrum of a matrix of second derivatives at n checkpoints.

    Args:
        matrix: ``hessian``, ``ggn`` or ``fisher``.
        parameters: number of rows of the matrix.
        labels: a name for each checkpoint.
        status: a ``Status`` for each checkpoint, of shape (n,); only ``OK`` ones have values, and
            the others have NaN.
        eigenvalues: of shape (n, k), each row in descending order: the largest ``top``, then the
            smallest.
        residuals: norms ``|Hv - λv|`` for unit vectors v, of shape (n, k); an eigenvalue of the
            matrix lies within each.
        top: number of leading columns that hold the largest eigenvalues.
        epochs: the number of epochs before each checkpoint was saved, or None if unknown.
        learning_rates: the learning rate at each, NaN where unknown, or None.
        gradient_norm: norm of the gradient, of shape (n,), or None.
        gradient_share: share of the squared gradient norm that lies in the span of the top
            eigenvectors, of shape (n,), or None.
        density: None if it was not estimated.
        trace: None if it was not estimated.
        blocks: groups of parameters whose curvature was computed apart.
        loss: the mean loss at each checkpoint, of shape (n,), or None.
        rounding: how far rounding may have moved the eigenvalues, of shape (n,), or None.
        second_differences: (L(w + hv) + L(w - hv) - 2L(w)) / h^2 along the eigenvectors v of the
            first and the last eigenvalue, of shape (n, 2), or None. Where the network is piecewise
            linear, they contain kinks that the eigenvalues do not.
        difference_step: the step h.
        critical_sharpness: 2 / eta for the smallest step eta along the negative gradient at which
            the loss does not fall, of shape (n,); NaN where it is lost in rounding.
        progress: by stage, how many of its parts are done at each checkpoint, of shape (n,).
        config: the configuration, as in a surface file.
        provenance: network, split, samples, ... as in a surface file.
    """

    matrix: str
    parameters: int
    labels: tuple[str, ...]
    status: NDArray[np.uint8]
    eigenvalues: Floats
    residuals: Floats
    top: int
    epochs: tuple[float, ...] | None = None
    learning_rates: tuple[float, ...] | None = None
    gradient_norm: Floats | None = None
    gradient_share: Floats | None = None
    density: Density | None = None
    trace: Trace | None = None
    blocks: tuple[Block, ...] = ()
    loss: Floats | None = None
    rounding: Floats | None = None
    second_differences: Floats | None = None
    difference_step: float = 0.0
    critical_sharpness: Floats | None = None
    progress: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, shape in self._shapes().items():
            found = np.shape(attrgetter(name)(self))
            if found != shape:
                raise StoreError(f"curvature: {name} has shape {found}, expected {shape}")
        if not 0 <= self.top <= self.eigenvalues.shape[1]:
            raise StoreError(f"curvature: top is {self.top} of {self.eigenvalues.shape[1]}")
        values = self.eigenvalues[self.done]
        if not np.isfinite(values).all() or (np.diff(values, axis=1) > 0).any():
            raise StoreError("curvature: eigenvalues are not finite and in descending order")

    @property
    def done(self) -> NDArray[np.bool_]:
        """Mask of the checkpoints that have values, of shape (n,)."""
        return np.equal(self.status, Status.OK)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the expected shape of every array that is there, by its attribute's path."""
        if self.eigenvalues.ndim != 2:
            raise StoreError("curvature: eigenvalues are not a row for each checkpoint")
        count, k = self.eigenvalues.shape
        shapes: dict[str, tuple[int, ...]] = {"residuals": (count, k)}
        each: tuple[str, ...] = (
            "labels",
            "status",
            "epochs",
            "learning_rates",
            "gradient_norm",
            "gradient_share",
        )
        each = (*each, "loss", "rounding", "critical_sharpness")
        shapes |= {name: (count,) for name in each if getattr(self, name) is not None}
        if self.second_differences is not None:
            shapes["second_differences"] = (count, 2)
        if self.trace is not None:
            shapes |= {"trace.mean": (count,), "trace.stderr": (count,)}
            if self.trace.values is not None:
                shapes["trace.values"] = (count, self.trace.probes)
        if self.density is not None:
            nodes = self.density.nodes.shape
            shapes |= {"density.nodes": (count, *nodes[1:]), "density.weights": nodes}
            if len(nodes) != 3:
                raise StoreError("curvature: density.nodes are not (checkpoints, probes, steps)")
        for block in self.blocks:
            if block.eigenvalues.shape != block.residuals.shape or len(block.eigenvalues) != count:
                raise StoreError(f"curvature: block {block.name} is not of {count} checkpoints")
            if block.trace is not None and not _is_of(block.trace, count):
                raise StoreError(f"curvature: the trace of {block.name} has unexpected shapes")
        return shapes


def _is_of(trace: Trace, count: int) -> bool:
    """Tell whether a trace has the shapes for this many checkpoints."""
    probes = trace.values is None or trace.values.shape == (count, trace.probes)
    return probes and trace.mean.shape == trace.stderr.shape == (count,)
