"""The contracts of a slice: the map from coordinates to parameters, and its recipe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from landscape_cli.geometry.blocks import Index
from landscape_cli.geometry.directions.base import Direction, DirectionSource, Range
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.records.checkpoint_path import CheckpointPath

Pieces = Callable[[], Iterable[tuple[str, Index, Tensor]]]
"""Yields a parameter-shaped dict in order, as (parameter's name, index of a block, entries)."""


ReadWeights = Callable[[CheckpointPath, str], Mapping[str, Tensor]]
"""Reads a checkpoint's tensors on the CPU; refuses one that does not have the given hash."""


@dataclass(frozen=True)
class StoredTensors:
    """A parameter-shaped dict to store beside the surface.

    Args:
        attributes: kind, seed, SHA-256 and so on, as plain values.
        pieces: yields its entries; each piece is overwritten when the next one is requested.
    """

    attributes: Mapping[str, object]
    pieces: Pieces


@dataclass(frozen=True)
class SliceFacts:
    """The provenance of a slice, as plain values by key of the file's provenance.

    Args:
        identity: entries that determine the values; they must be equal on every rank, and when a
            file is continued. Slices other than affine ones put everything under ``slice``:
            ``kind``, ``origin``, and for each of the ``axes`` a ``label``.
        details: entries that are only reported.
        stored: parameter-shaped dicts for the file beside the surface, by name.
    """

    identity: Mapping[str, object] = field(default_factory=dict)
    details: Mapping[str, object] = field(default_factory=dict)
    stored: Mapping[str, StoredTensors] = field(default_factory=dict)

    @classmethod
    def of_slice(
        cls, kind: str, origin: Sequence[float], labels: Mapping[str, str], **identity: object
    ) -> SliceFacts:
        """Return the facts of a slice that is not affine.

        Args:
            kind: the name in ``SLICES``.
            origin: the coordinates of the trained network.
            labels: axis labels for plots, by axis.
            identity: other plain values that determine the surface, such as a hash.
        """
        axes = {axis: {"label": label} for axis, label in labels.items()}
        facts = {"kind": kind, "origin": list(origin), "axes": axes, **identity}
        return cls(identity={"slice": facts})

    def label(self, axis: str) -> str:
        """Return the label of an axis, or its name if it has none."""
        sections: Any = self.identity
        axes = sections.get("directions") or sections.get("slice", {}).get("axes", {})
        return str(axes.get(axis, {}).get("label", axis))


@dataclass(frozen=True)
class Locations:
    """Positions of several networks relative to a slice of k axes.

    Args:
        coordinates: of the nearest points on the slice, of shape (n, k).
        residuals: Euclidean distances from the slice, of shape (n,).
        distances: Euclidean distances from the origin, of shape (n,).
    """

    coordinates: NDArray[np.float64]
    residuals: NDArray[np.float64]
    distances: NDArray[np.float64]


@dataclass(frozen=True)
class Landmark:
    """A network at a place that the slice knows, which plots mark.

    Args:
        label: its name.
        coordinates: of the nearest point on the slice.
        residual: its Euclidean distance from the slice.
        distance: its Euclidean distance from the origin.
    """

    label: str
    coordinates: tuple[float, ...]
    residual: float
    distance: float


class Slice(ABC):
    """A map from coordinates to parameters: a line, a plane, a curve.

    A new kind implements ``origin`` and ``write``, and returns from ``facts`` what a file records.
    """

    @property
    @abstractmethod
    def origin(self) -> tuple[float, ...]:
        """Coordinates of the trained network; ``write`` takes one number per coordinate."""

    @abstractmethod
    def write(self, coordinates: Sequence[float], out: FlatParameters) -> None:
        """Write the parameters at a point.

        Every point is computed from the slice itself, never from the contents of ``out``, so that
        rounding does not accumulate.

        Args:
            coordinates: of the point, one number per coordinate of ``origin``.
            out: the model's parameters, which are overwritten.
        """

    @property
    def own_states(self) -> bool:
        """True if every point has buffers of its own that are frozen, rather than moved ones."""
        return False

    @property
    def reentrant(self) -> bool:
        """True if ``write`` keeps nothing, so that threads may call it at the same time."""
        return False

    def facts(self) -> SliceFacts:
        """Return what a surface file records about this slice."""
        return SliceFacts()

    def unit(self, axis: str) -> float | None:
        """Return the step along an axis that moves weights by their own norm.

        Returns:
            ``|w| / |d|`` over the tensors that the axis moves; None if the slice has no such unit,
            and the range ``auto`` is refused.
        """
        return None

    def range(self, axis: str) -> Range | None:
        """Return the range of an ``auto`` axis that follows from the built slice, if any."""
        return None

    def landmarks(self) -> list[Landmark]:
        """Return networks besides the trained one that the slice was made from."""
        return []

    def locate(self, networks: Differences) -> Locations | None:
        """Return the points of the slice that are nearest to some networks.

        Args:
            networks: differences of their parameters from those at the origin.

        Returns:
            None if the slice can't locate networks.
        """
        return None

    def slopes(
        self, coordinates: Sequence[float], gradient: Mapping[str, Tensor]
    ) -> dict[str, float] | None:
        """Return the partial derivatives of the loss along the axes at a point.

        Args:
            coordinates: of the point.
            gradient: of the loss with respect to the parameters at that point.

        Returns:
            The slopes by axis; None if the slice does not know its tangents.
        """
        return None

    def tangents(self, coordinates: Sequence[float]) -> dict[str, dict[str, Tensor]] | None:
        """Return the derivatives of the parameters by each coordinate at a point.

        Args:
            coordinates: of the point.

        Returns:
            Tensors by parameter name, for each axis; None if the slice is not straight, so that its
            second derivatives are not those along tangents.
        """
        return None


@dataclass(frozen=True)
class SlicePoints:
    """The points that a slice needs from a file.

    Args:
        facts: plain values that identify it.
        tensors: parameter-shaped dicts on the CPU.
    """

    facts: Mapping[str, Any]
    tensors: Sequence[Mapping[str, Tensor]]


@dataclass(frozen=True)
class SliceContext:
    """The inputs from which every rank builds a slice.

    Args:
        parameters: the model's own, which hold the trained weights; ``clone`` what must be kept.
        axes: the grid's axes, in the order of the coordinates.
        directions: by axis, with entries loaded from files; empty unless the recipe uses them.
        repeats: number of repeats of the grid.
        orthogonal: make directions orthogonal.
        streamed: draw directions again for each point instead of keeping them in memory.
        weights: weights of the recipe's ``points`` by path, on the CPU.
        loaded: what the recipe loaded from a file.
        read: reads checkpoints later, on this rank.
        room: number of checkpoints that memory has room for.
    """

    parameters: FlatParameters
    axes: tuple[str, ...]
    directions: Mapping[str, Direction] = field(default_factory=dict)
    repeats: int = 1
    orthogonal: bool = False
    streamed: bool = False
    weights: Mapping[CheckpointPath, Mapping[str, Tensor]] = field(default_factory=dict)
    loaded: SlicePoints | None = None
    read: ReadWeights | None = None
    room: int = 2


class SliceRecipe(BaseModel, ABC):
    """The section ``slice`` of a configuration: a kind of slice and its settings.

    Attributes:
        kind: the name in ``SLICES``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    auto_points: ClassVar[int] = 51
    """Number of points of an axis with range ``auto``, unless its direction has its own."""

    kind: str

    @property
    def uses_directions(self) -> bool:
        """True if each axis of the grid has a section in the configuration's ``directions``."""
        return False

    @property
    def points(self) -> tuple[CheckpointPath, ...]:
        """Paths of checkpoints on the slice, besides those of directions."""
        return ()

    def load(self, source: DirectionSource) -> SlicePoints | None:
        """Load what the slice needs from a file; called on rank 0, which shares it."""
        return None

    @abstractmethod
    def check(self, axes: Sequence[str], repeats: int, directions: Mapping[str, Direction]) -> None:
        """Refuse a grid or directions that this slice can't have.

        Raises:
            UsageError: naming the key, the value and the remedy.
        """

    @abstractmethod
    def build(self, context: SliceContext) -> Slice:
        """Build the slice; called by every rank, with the same result on all.

        Raises:
            LandscapeError: if it can't be built for these parameters.
        """

    def range(self, axis: str) -> Range | None:
        """Return the range of an ``auto`` axis if it needs no evaluation; None to probe for it."""
        return None
