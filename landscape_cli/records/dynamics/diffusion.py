"""A diffusion map of checkpoints, and the maps of random walks to compare it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of a diffusion operator at one bandwidth.

    Args:
        factor: the bandwidth over the map's.
        eigenvalues: of shape (k + 1,), descending, the trivial 1 first.
    """

    factor: float
    eigenvalues: Floats


@dataclass(frozen=True)
class KernelSums:
    """Sums of the kernel over all pairs by bandwidth, from which the bandwidth is chosen.

    Coifman, Shkolnisky, Sigworth and Singer 2008; Berry and Harlim 2016.

    Args:
        epsilons: bandwidths, ascending, of shape (e,).
        sums: the kernel's sum at each, of shape (e,).
    """

    epsilons: Floats
    sums: Floats


@dataclass(frozen=True)
class Null:
    """Diffusion maps of random walks with the checkpoints' step lengths.

    Args:
        kind: ``walk`` for steps in random directions, ``permuted`` for the checkpoints' own steps
            in random order.
        seed: of the walks.
        epsilons: each walk's bandwidth, of shape (draws,).
        eigenvalues: of shape (draws, k + 1), the trivial 1 first.
        coordinates: of the first walk, of shape (n, k).
        statistics: by name, the value of each walk, of shape (draws,).
    """

    kind: str
    seed: int
    epsilons: Floats
    eigenvalues: Floats
    coordinates: Floats
    statistics: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Onto:
    """Further checkpoints, by the Nyström extension.

    Args:
        labels: a name for each of m checkpoints.
        coordinates: of shape (m, k); NaN where the kernel reaches no checkpoint of the map.
        reach: the kernel's largest value between each and the map's checkpoints, of shape (m,).
        nearest: number of the nearest checkpoint of the map, of shape (m,).
        training: number of the training of each, counted on from the map's, of shape (m,).
        names: names of these trainings.
        epochs: as of ``Diffusion``.
        losses: as of ``Diffusion``.
        learning_rates: as of ``Diffusion``.
        steps: as of ``Diffusion``.
        distances2: squared distances from the map's checkpoints, of shape (m, n); NaN where still
            to compute.
    """

    labels: tuple[str, ...]
    coordinates: Floats
    reach: Floats
    nearest: NDArray[np.int64]
    training: NDArray[np.int64]
    names: tuple[str, ...]
    epochs: Floats | None = None
    losses: Floats | None = None
    learning_rates: Floats | None = None
    steps: Floats | None = None
    distances2: Floats | None = None


@dataclass(frozen=True)
class Diffusion:
    """A diffusion map of n checkpoints (Coifman and Lafon 2006).

    Args:
        labels: a name for each checkpoint.
        training: the number of each checkpoint's training, from 0, of shape (n,).
        names: a name for each training.
        parameters: number of entries of a checkpoint.
        distances2: squared distances, of shape (n, n); NaN where still to compute.
        squares: squared distances from checkpoint n // 2, of shape (n,); NaN until all distances
            are known.
        alpha: exponent of the density normalization.
        epsilon: the kernel is exp(-distance^2 / epsilon); NaN until it is known.
        chosen: ``auto``, ``median`` or ``given``: how epsilon was chosen.
        eigenvalues: of shape (k + 1,), descending, the trivial 1 first; None until computed.
        coordinates: lambda_i^time psi_i, of shape (n, k), without the constant one.
        time: the power of the eigenvalues in the coordinates.
        spectra: at other bandwidths, such as half and twice the map's.
        kernel: sums of the kernel by bandwidth.
        dimension: twice the largest slope of log sum over log bandwidth.
        statistics: numbers of the map to compare with the nulls', by name.
        nulls: random walks.
        pca: principal components of the same checkpoints, of shape (n, 2).
        explained: fraction of the variance of each, of shape (2,).
        epochs: number of epochs before each was saved, NaN where unknown, or None.
        steps: number of steps before each was saved, NaN where unknown, or None.
        losses: the loss of each, NaN where unknown, or None.
        learning_rates: the learning rate that led to each, NaN where unknown, or None.
        onto: further checkpoints.
        config: the configuration, as in a surface file.
        provenance: network, checkpoints, settings.
    """

    labels: tuple[str, ...]
    training: NDArray[np.int64]
    names: tuple[str, ...]
    parameters: int
    distances2: Floats
    squares: Floats
    alpha: float = 1.0
    epsilon: float = np.nan
    chosen: str = "auto"
    eigenvalues: Floats | None = None
    coordinates: Floats | None = None
    time: float = 1.0
    spectra: tuple[Spectrum, ...] = ()
    kernel: KernelSums | None = None
    dimension: float = np.nan
    statistics: Mapping[str, float] = field(default_factory=dict)
    nulls: tuple[Null, ...] = ()
    pca: Floats | None = None
    explained: Floats | None = None
    epochs: Floats | None = None
    steps: Floats | None = None
    losses: Floats | None = None
    learning_rates: Floats | None = None
    onto: Onto | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.eigenvalues is None) != (self.coordinates is None):
            raise StoreError("diffusion: eigenvalues without coordinates, or these without those")
        for name, shape in self._shapes().items():
            found = np.shape(attrgetter(name)(self))
            if found != shape:
                raise StoreError(f"diffusion: {name} has shape {found}, expected {shape}")
        _check_training(self.training, len(self.names), 0)
        if self.onto is not None:
            _check_training(self.onto.training, len(self.onto.names), len(self.names))

    @property
    def complete(self) -> bool:
        """True if nothing is left to compute."""
        return self.coordinates is not None

    @property
    def measured(self) -> bool:
        """True if every distance is known."""
        known = [self.distances2, self.squares]
        if self.onto is not None and self.onto.distances2 is not None:
            known.append(self.onto.distances2)
        return not any(np.isnan(array).any() for array in known)

    @property
    def components(self) -> int:
        """Number of coordinates; 0 until they are computed."""
        return 0 if self.coordinates is None else self.coordinates.shape[1]

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the expected shape of every array that is there, by its attribute's path."""
        count = len(self.labels)
        each = ("epochs", "steps", "losses", "learning_rates")
        shapes: dict[str, tuple[int, ...]] = {"distances2": (count, count), "squares": (count,)}
        shapes |= {"training": (count,)}
        shapes |= {name: (count,) for name in each if getattr(self, name) is not None}
        if self.pca is not None:
            shapes |= {"pca": (count, 2), "explained": (2,)}
        if self.kernel is not None:
            shapes["kernel.sums"] = self.kernel.epsilons.shape
        if self.coordinates is not None:
            shapes |= {
                "coordinates": (count, self.components),
                "eigenvalues": (self.components + 1,),
            }
        for null in self.nulls:
            _check_null(null, count)
        if self.onto is not None:
            more = (len(self.onto.labels),)
            shapes["onto.coordinates"] = (*more, self.components)
            shapes |= {f"onto.{name}": more for name in ("reach", "nearest", "training")}
            shapes |= {f"onto.{n}": more for n in each if getattr(self.onto, n) is not None}
            if self.onto.distances2 is not None:
                shapes["onto.distances2"] = (*more, count)
        return shapes


def _check_training(training: NDArray[np.int64], count: int, first: int) -> None:
    if ((training < first) | (training >= first + count)).any():
        raise StoreError("diffusion: a checkpoint belongs to no training")


def _check_null(null: Null, count: int) -> None:
    draws = len(null.epsilons)
    shapes = null.eigenvalues.shape, null.coordinates.shape
    k = null.coordinates.shape[-1]
    if shapes != ((draws, k + 1), (count, k)):
        raise StoreError(f"diffusion: null {null.kind} has shapes {shapes}")
    for name, values in null.statistics.items():
        if values.shape != (draws,):
            raise StoreError(f"diffusion: null {null.kind} has {len(values)} of {name}")
