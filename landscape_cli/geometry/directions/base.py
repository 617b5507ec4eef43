"""What every kind of direction is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Protocol

import torch
from pydantic import BaseModel, ConfigDict, field_validator
from torch import Tensor

from landscape_cli.errors import UsageError, some
from landscape_cli.geometry.blocks import Blocks
from landscape_cli.geometry.normalization import Scaling, zeroed

Fill = Callable[[Tensor], None]
"""Fills a flat tensor with a parameter's next raw entries."""

Entries = Mapping[str, Tensor]
"""A parameter-shaped dict on the CPU."""

Range = tuple[float, float, str]
"""The ends of an axis, and the reason for them in words."""


class DirectionFiles(Protocol):
    """Access to the files that directions come from, before the model is there."""

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

    def weights(self, path: str) -> Entries:
        """Return a checkpoint's tensors under the names of ``centre``."""

    def stored(self, path: str, axis: str) -> list[tuple[str | None, Tensor]]:
        """Return a direction of a directions file: the name, if known, and entries of each tensor.

        Args:
            path: the file.
            axis: the direction in it, x, y or z.
        """

    def components(self) -> list[Entries]:
        """Return the principal components of the configuration's checkpoints and the centre."""


class Direction(BaseModel, ABC):
    """A recipe for a parameter-shaped dict; its fields are its settings in a configuration.

    Drawing and normalizing are apart, and go tensor by tensor, so that directions can be made
    orthogonal in between and never need more memory than themselves. ``entries`` draws block by
    block, for a direction that is never in memory; by default it goes by whole tensors, and a kind
    that can do better overrides it.

    Attributes:
        kind: the name in ``directions.KINDS``.
        include: glob patterns such as ``layer1.*``; only parameters whose name matches one of them
            are moved, all if left out.
        exclude: glob patterns of parameters that stay where they are.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    auto_points: ClassVar[int] = 51
    """Points of an axis whose range is ``auto``; odd, so that the centre is a grid point."""

    kind: str
    include: list[str] | None = None
    exclude: list[str] | None = None

    @field_validator("include", "exclude", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        """A pattern alone is a list of it."""
        return [value] if isinstance(value, str) else value

    def selects(self, name: str) -> bool:
        """Whether the direction may move a parameter."""
        wanted = self.include is None or _matches(name, self.include)
        return wanted and not _matches(name, self.exclude or ())

    @abstractmethod
    def draw(self, name: str, out: Tensor) -> None:
        """Fill ``out``, float32 or float64 on the CPU, with one parameter's raw entries."""

    def entries(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> Fill:
        """One parameter's raw entries, the same as ``draw`` gives, from the first to the last.

        A ``Fill`` may be called by other threads, though never by two at once.
        """
        whole = torch.empty(shape, dtype=dtype)
        self.draw(name, whole)
        return reader(whole.view(-1))

    @abstractmethod
    def measure(self, drawn: Blocks, weights: Tensor) -> Scaling:
        """How to normalize the blocks of one parameter, from the first to the last.

        Args:
            drawn: the parameter's raw entries, which are read anew each time.
            weights: the parameter, on any device.
        """

    def scalings(
        self, drawn: Callable[[str], Blocks], weights: Mapping[str, Tensor]
    ) -> dict[str, Scaling]:
        """How to normalize each parameter's raw entries; those not selected become zero.

        Args:
            drawn: a parameter's raw entries by its name.
            weights: the parameters, on any device.
        """
        return {
            name: self.measure(drawn(name), view) if self.selects(name) else zeroed
            for name, view in weights.items()
        }

    @abstractmethod
    def label(self) -> str:
        """A few words for an axis, such as "random direction, filter-normalized (seed 1)"."""

    @property
    def custom_rule(self) -> str | None:
        """The import path of the user's own normalization; None for a rule of this package."""
        return None

    @property
    def points(self) -> tuple[str, ...]:
        """The checkpoints that the direction leads through, which are marked on pictures."""
        return ()

    def stored_in(self, axis: str) -> tuple[str, str] | None:
        """Return the directions file and the axis there whose direction this is, unchanged.

        Args:
            axis: the axis that the direction is used for.
        """
        return None

    def range(self, axis: str, files: DirectionFiles) -> Range | None:
        """Return the range that follows from what the direction is, or None to probe it.

        Raises:
            StoreError: if a file that it comes from can't be read.
        """
        return None

    def load(self, axis: str, source: DirectionSource) -> Entries | None:
        """Load the raw entries from files, on rank 0; None for a kind that draws them itself.

        ``holding`` then gets them on every rank, in float32 or wider, those not selected zero.

        Raises:
            LandscapeError: if a file can't be read, or is of another network.
        """
        return None

    def holding(self, entries: Entries) -> Direction:
        """Return this direction with the raw entries that ``load`` gave."""
        raise NotImplementedError(f"directions of kind {self.kind} load no entries")

    def repeated(self, number: int) -> Direction:
        """This direction in another repeat, 0 being the first; by default the same in each."""
        return self

    def prepare(self, key: str, parameters: Mapping[str, Tensor]) -> None:
        """Refuse parameters that this direction can't be made for.

        Args:
            key: the direction's place in a configuration, such as "directions.x".
            parameters: what there is to move.

        Raises:
            UsageError: if a pattern matches no parameter, or no parameter is left to move.
        """
        for setting, patterns in (("include", self.include), ("exclude", self.exclude)):
            for pattern in patterns or ():
                if not any(fnmatchcase(name, pattern) for name in parameters):
                    raise UsageError(
                        f"{key}.{setting}: {pattern!r} matches none of the {len(parameters)} "
                        f"parameters, which are {some(list(parameters))}"
                    )
        if not any(self.selects(name) for name in parameters):
            raise UsageError(f"{key}: include and exclude leave no parameter to move")


def zeros(out: Tensor) -> None:
    """The entries of a parameter that stays where it is."""
    out.zero_()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def reader(entries: Tensor) -> Fill:
    """Give a flat tensor's entries, from the first to the last."""
    start = 0

    def fill(out: Tensor) -> None:
        nonlocal start
        out.copy_(entries[start : start + len(out)])
        start += len(out)

    return fill
