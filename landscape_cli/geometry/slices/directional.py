"""Slices spanned by directions around a centre."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.geometry.blocks import Index
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.inner_products import dot
from landscape_cli.geometry.parameters import FlatParameters
from landscape_cli.geometry.pca.differences import Differences
from landscape_cli.geometry.pca.projection import project
from landscape_cli.geometry.slices.base import Locations, Slice, SliceFacts, StoredTensors


class DirectionalSlice(Slice):
    """A centre and a direction for each axis, in any form of storage.

    Attributes:
        centre: the trained parameters, at the origin.
        recipes: the directions' recipes by name; those of later repeats follow the first ones.
    """

    centre: FlatParameters
    recipes: Mapping[str, Direction]

    @property
    @abstractmethod
    def axes(self) -> tuple[str, ...]:
        """Names of the directions; those of later repeats follow the first ones."""

    @property
    def origin(self) -> tuple[float, ...]:
        """Coordinates of the centre."""
        return (0.0,) * len(self.axes)

    @abstractmethod
    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of each direction by name."""

    @abstractmethod
    def cosines(self) -> dict[str, float]:
        """Return the cosine between each pair of directions, such as {"x,y": 0.003}."""

    @abstractmethod
    def norms(self) -> dict[str, float]:
        """Return the Euclidean norm of each direction by name."""

    @abstractmethod
    def blocks(self, axis: str) -> Iterator[tuple[str, Index, Tensor]]:
        """Yield a direction in order, as (parameter's name, index of a block, entries).

        The entries may be overwritten when the next block is requested.
        """

    def facts(self) -> SliceFacts:
        """Return settings, label and hash of each direction, and all cosines and norms."""
        hashes = self.hashes()
        described: dict[str, dict[str, object]] = {
            name: {
                **recipe.model_dump(mode="json", exclude_none=True),
                "label": recipe.title(),
                "sha256": hashes[name],
            }
            for name, recipe in self.recipes.items()
        }
        return SliceFacts(
            identity={"directions": described},
            details={
                "cosines": self.cosines(),
                "norms": self.norms(),
                "moved": self._moved(),
                **self._chosen(),
            },
            stored={
                name: StoredTensors(attributes, partial(self.blocks, name))
                for name, attributes in described.items()
            },
        )

    def _chosen(self) -> dict[str, object]:
        """Return what words in include and exclude stand for, and which filters are columns."""
        roles: dict[str, list[list[str]]] = {}
        aliases = self.centre.aliases
        for recipe in self.recipes.values():
            for word, names in recipe.roles.items():
                roles[word] = [[name, *aliases.get(name, ())] for name in sorted(names)]
        columns = sorted(self.centre.columns)
        known = {"roles": roles, "columns": columns}
        return {key: value for key, value in known.items() if value}

    def _moved(self) -> dict[str, dict[str, int]]:
        """Count the tensors and parameters that each direction may move."""
        views, counts = self.centre.views, {}
        for axis, recipe in self.recipes.items():
            names = [name for name, view in views.items() if recipe.moves(name, view.dim())]
            parameters = sum(math.prod(self.centre.shape(name)) for name in names)
            counts[axis] = {"tensors": len(names), "parameters": parameters}
        return counts

    def refuse_zero(self) -> None:
        """Refuse a direction that is zero or not finite.

        Raises:
            UsageError: naming the direction.
        """
        for axis, norm in self.norms().items():
            if not math.isfinite(norm) or norm == 0:
                what = "zero in every parameter" if norm == 0 else "not finite"
                raise UsageError(
                    f"directions.{axis}: it is {what}; see include, exclude, ignore and normalize"
                )

    def unit(self, axis: str) -> float:
        """Return |w| / |d| over the tensors that a direction moves, or 1 / |d| if |w| is zero.

        Raises:
            UsageError: if it moves none.
        """
        squares: dict[str, float] = {}
        for name, _, entries in self.blocks(axis):
            flat = {name: entries.reshape(-1)}
            squares[name] = squares.get(name, 0.0) + dot(flat, flat)
        moved = [name for name, square in squares.items() if square > 0]
        if not moved:
            raise UsageError(
                f"directions.{axis}: it moves no parameter, so there is nothing to probe; choose "
                "another direction"
            )
        return math.sqrt(self._square_of(moved) or 1.0) / math.sqrt(sum(squares.values()))

    def _square_of(self, names: Sequence[str]) -> float:
        """Return the square of the Euclidean norm of some of the centre's tensors."""
        weights = {name: self.centre.views[name] for name in names}
        return dot(weights, weights)

    def tangents(self, coordinates: Sequence[float]) -> dict[str, dict[str, Tensor]]:
        """Return the directions, as tensors on the CPU."""
        return {axis: self._whole(axis) for axis in self.axes}

    def locate(self, networks: Differences) -> Locations:
        """Project networks onto the slice by exact least squares, in the axes' units."""
        axes = self.axes
        coordinates, residuals = project(networks, [self._whole(axis) for axis in axes])
        along = np.einsum("ni,ij,nj->n", coordinates, self._gram_matrix(axes), coordinates)
        return Locations(coordinates, residuals, np.sqrt(along + residuals**2))

    def _gram_matrix(self, axes: Sequence[str]) -> NDArray[np.float64]:
        """Return the inner products of the directions, of shape (k, k)."""
        norms, cosines = self.norms(), self.cosines()
        gram = np.diag([norms[axis] ** 2 for axis in axes])
        for (i, first), (j, second) in combinations(enumerate(axes), 2):
            gram[i, j] = gram[j, i] = cosines[f"{first},{second}"] * norms[first] * norms[second]
        return gram

    def _whole(self, axis: str) -> dict[str, Tensor]:
        """Return a direction as tensors on the CPU."""
        tensors = {
            name: torch.zeros(view.shape, dtype=view.dtype)
            for name, view in self.centre.views.items()
        }
        for name, index, entries in self.blocks(axis):
            tensors[name][index] = entries.cpu()
        return tensors
