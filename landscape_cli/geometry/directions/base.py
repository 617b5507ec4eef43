"""The contract of a direction, and its access to the run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PrivateAttr
from torch import Tensor

from landscape_cli.errors import some
from landscape_cli.geometry.blocks import Blocks
from landscape_cli.geometry.normalization import Scaling, zeroed
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.selection import Selection
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.curves.trained import Curve

if TYPE_CHECKING:
    from typing_extensions import Self

Fill = Callable[[Tensor], None]
"""Fills a flat tensor with the next raw entries of a parameter."""

Entries = Mapping[str, Tensor]
"""A parameter-shaped dict on the CPU."""

Range = tuple[float, float, str]
"""(low, high, reason): the ends of an axis, and the reason for them in words."""


class DirectionFiles(Protocol):
    """Access to directions files before the model exists."""

    def recommended_range(self, path: str, axis: str) -> tuple[float, float] | None:
        """Return the range that a directions file recommends for one of its directions, if any."""


class DirectionSource(Protocol):
    """Access to the run's network and files while directions are loaded, on rank 0."""

    @property
    def centre(self) -> Mapping[str, Tensor]:
        """The tensors that the slice moves, at the centre and on the CPU."""

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """The model's named parameters."""

    @property
    def state(self) -> Mapping[str, Tensor]:
        """The model's state dict."""

    def weights(self, path: CheckpointPath) -> Entries:
        """Return a checkpoint's tensors under the names of ``centre``."""

    def adapter(self, key: str, path: str, alpha: float | None) -> Entries:
        """Return what a LoRA adapter adds to weights, by parameter; float64.

        Args:
            key: the direction's place in the configuration, for messages.
            path: a folder of peft, or a ``.safetensors`` file.
            alpha: the adapter's alpha; None for that of its configuration.
        """

    def sha256(self, path: CheckpointPath) -> str:
        """Return the SHA-256 of a checkpoint's file, with key and prefix, as one text."""

    def stored(self, path: str, axis: str) -> list[tuple[str | None, Tensor]]:
        """Return a direction of a directions file: the name, if known, and entries of each tensor.

        Args:
            path: the file.
            axis: the direction in it, x, y or z.
        """

    def curve(self, path: str) -> Curve:
        """Return what a curve file says of its curve; its points are stored as directions are."""

    def gradient(
        self,
        key: str,
        path: CheckpointPath | None,
        split: str | None,
        samples: int | None,
        quantity: str | None,
    ) -> Entries:
        """Return the gradient of a mean loss at a checkpoint, or at the centre; float64."""

    def momentum(self, key: str, path: CheckpointPath) -> Entries:
        """Return the optimizer's momentum in a training checkpoint, by parameter; float64."""

    def diffusion(
        self, key: str, path: str, component: int
    ) -> tuple[NDArray[np.float64], Sequence[CheckpointPath]]:
        """Return a coordinate of a diffusion file, of shape (n,), and its n checkpoints."""

    def components(self) -> list[Entries]:
        """Return the principal components of the configuration's checkpoints and the centre."""


class Direction(Selection, ABC):
    """A recipe for a parameter-shaped dict; its fields are its settings in a configuration.

    Drawing and normalizing are separate steps that go tensor by tensor: directions can be made
    orthogonal in between, and need no memory besides their own. ``entries`` draws block by block,
    for directions that are never in memory as a whole; by default it draws whole tensors, and a
    kind that can do better overrides it.

    Attributes:
        kind: the name in ``directions.KINDS``. Parameters that the selection leaves out are not
            moved.
    """

    auto_points: ClassVar[int] = 51
    """Number of points of an axis with range ``auto``; odd, so that the centre is a grid point."""

    kind: str

    _columns: Collection[str] = PrivateAttr(default_factory=frozenset)

    def among(self, parameters: FlatParameters) -> Self:
        """Return this direction with the knowledge of a network's parameters."""
        copy = super().among(parameters)
        copy._columns = parameters.columns
        return copy

    def moves(self, name: str, dimensions: int) -> bool:
        """Return True if the direction may move a parameter with this number of dimensions."""
        return self.selects(name)

    def title(self) -> str:
        """Return the label with the patterns that select parameters."""
        chosen = [
            f"{word} {some(patterns)}"
            for word, patterns in (("only", self.include), ("without", self.exclude))
            if patterns
        ]
        return ", ".join([self.label(), *chosen])

    @abstractmethod
    def draw(self, name: str, out: Tensor) -> None:
        """Fill ``out``, float32 or float64 on the CPU, with one parameter's raw entries."""

    def entries(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Fill:
        """Return a ``Fill`` that yields the entries of ``draw`` block by block, first to last.

        It may be called from other threads, but never from two at once.
        """
        whole = torch.empty(shape, dtype=dtype)
        self.draw(name, whole)
        return reader(whole.view(-1))

    @abstractmethod
    def measure(self, drawn: Blocks, weights: Tensor) -> Scaling:
        """Return the scaling that normalizes the blocks of one parameter, first to last.

        Args:
            drawn: the parameter's raw entries, drawn again each time they are read.
            weights: the parameter, on any device.
        """

    def scalings(
        self, drawn: Callable[[str], Blocks], weights: Mapping[str, Tensor]
    ) -> dict[str, Scaling]:
        """Return the scaling of each parameter's raw entries; those not selected become zero.

        Args:
            drawn: returns a parameter's raw entries by name.
            weights: the parameters, on any device.
        """
        return {
            name: self.measure(replace(drawn(name), columns=name in self._columns), view)
            if self.selects(name)
            else zeroed
            for name, view in weights.items()
        }

    @abstractmethod
    def label(self) -> str:
        """Return an axis label such as "random direction, filter-normalized (seed 1)"."""

    @property
    def custom_rule(self) -> str | None:
        """Import path of the user's own normalization; None for a rule of this package."""
        return None

    @property
    def points(self) -> tuple[CheckpointPath, ...]:
        """Paths of checkpoints on the direction, which are marked in plots."""
        return ()

    def stored_in(self, axis: str) -> tuple[str, str] | None:
        """Return the directions file that holds this direction unchanged, and its axis there.

        Args:
            axis: the axis that the direction is used for.
        """
        return None

    def range(self, axis: str, files: DirectionFiles) -> Range | None:
        """Return the range that follows from the direction itself, or None to probe for one.

        Raises:
            StoreError: if the direction's file can't be read.
        """
        return None

    def load(self, axis: str, source: DirectionSource) -> Entries | None:
        """Load the raw entries from files, on rank 0; None for a kind that draws its entries.

        ``holding`` then receives them on every rank, in float32 or wider, with zeros for parameters
        that are not selected.

        Raises:
            LandscapeError: if a file can't be read, or was made for another network.
        """
        return None

    def holding(self, entries: Entries) -> Direction:
        """Return this direction with the raw entries that ``load`` returned."""
        raise NotImplementedError(f"directions of kind {self.kind} load no entries")

    def repeated(self, number: int) -> Direction:
        """Return the direction of a repeat, numbered from 0; by default this one for each."""
        return self


def zeros(out: Tensor) -> None:
    """Fill with zeros, the entries of a parameter that is not moved."""
    out.zero_()


def reader(entries: Tensor) -> Fill:
    """Return a ``Fill`` that copies a flat tensor's entries, first to last."""
    start = 0

    def fill(out: Tensor) -> None:
        nonlocal start
        out.copy_(entries[start : start + len(out)])
        start += len(out)

    return fill
