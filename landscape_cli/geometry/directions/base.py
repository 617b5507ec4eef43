"""The contract of a direction, and its access to the run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, PrivateAttr, field_validator
from torch import Tensor

from landscape_cli.errors import UsageError, some
from landscape_cli.geometry.blocks import Blocks
from landscape_cli.geometry.normalization import Scaling, zeroed
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.roles import WORDS
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.records.curves.trained import Curve

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


class Direction(BaseModel, ABC):
    """A recipe for a parameter-shaped dict; its fields are its settings in a configuration.

    Drawing and normalizing are separate steps that go tensor by tensor: directions can be made
    orthogonal in between, and need no memory besides their own. ``entries`` draws block by block,
    for directions that are never in memory as a whole; by default it draws whole tensors, and a
    kind that can do better overrides it.

    Attributes:
        kind: the name in ``directions.KINDS``.
        include: glob patterns such as ``layer1.*``; only parameters that match one of them are
            moved, or all if left out. The words of ``geometry.roles.WORDS``, such as ``trainable``
            or ``embeddings``, stand for the parameters of that role, unless a parameter has just
            that name. Tied parameters match under any name.
        exclude: glob patterns of parameters that are not moved.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    auto_points: ClassVar[int] = 51
    """Number of points of an axis with range ``auto``; odd, so that the centre is a grid point."""

    kind: str
    include: list[str] | None = None
    exclude: list[str] | None = None

    _aliases: Mapping[str, Sequence[str]] = PrivateAttr(default_factory=dict)
    _roles: Mapping[str, frozenset[str]] = PrivateAttr(default_factory=dict)
    _columns: Collection[str] = PrivateAttr(default_factory=frozenset)

    @field_validator("include", "exclude", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        """Turn a single pattern into a list."""
        return [value] if isinstance(value, str) else value

    def among(self, parameters: FlatParameters) -> Direction:
        """Return this direction with the knowledge of a network's parameters.

        Args:
            parameters: of the model, with their other names, trainable or frozen.
        """
        copy = self.model_copy()
        copy._aliases = parameters.aliases
        names = {*parameters.views, *(one for each in copy._aliases.values() for one in each)}
        copy._roles = {word: who for word, who in parameters.roles.items() if word not in names}
        copy._columns = parameters.columns
        return copy

    @property
    def roles(self) -> dict[str, frozenset[str]]:
        """The parameters that words of include and exclude stand for."""
        patterns = [*(self.include or ()), *(self.exclude or ())]
        return {one: self._roles[one] for one in patterns if one in self._roles}

    def selects(self, name: str) -> bool:
        """Return True if include and exclude let the direction move a parameter."""
        included = self.include is None or any(self._match(name, one) for one in self.include)
        return included and not any(self._match(name, one) for one in self.exclude or ())

    def moves(self, name: str, dimensions: int) -> bool:
        """Return True if the direction may move a parameter with this number of dimensions."""
        return self.selects(name)

    def _match(self, name: str, pattern: str) -> bool:
        """Return True if a pattern matches a parameter under one of its names."""
        names = (name, *self._aliases.get(name, ()))
        if pattern in self._roles:
            return name in self._roles[pattern]
        return any(each == pattern or fnmatchcase(each, pattern) for each in names)

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

    def prepare(self, key: str, parameters: Mapping[str, Tensor]) -> None:
        """Refuse parameters that this direction can't be made for.

        Args:
            key: the direction's place in a configuration, such as "directions.x".
            parameters: the tensors that can be moved.

        Raises:
            UsageError: if a pattern matches no parameter, or no parameter is left to move.
        """
        for setting, patterns in (("include", self.include), ("exclude", self.exclude)):
            for pattern in patterns or ():
                if not any(self._match(name, pattern) for name in parameters):
                    if pattern in self._roles:
                        raise UsageError(
                            f"{key}.{setting}: {pattern} stands for {WORDS[pattern]}, of which "
                            f"there are none; the parameters are {some(list(parameters))}"
                        )
                    raise UsageError(
                        f"{key}.{setting}: {pattern!r} matches none of the {len(parameters)} "
                        f"parameters, which are {some(list(parameters))}"
                    )
        if not any(self.selects(name) for name in parameters):
            raise UsageError(f"{key}: include and exclude leave no parameter to move")


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
