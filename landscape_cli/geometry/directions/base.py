"""What every kind of direction is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict
from torch import Tensor


class Direction(BaseModel, ABC):
    """A recipe for a parameter-shaped dict; its fields are its settings in a configuration.

    Drawing and normalizing are apart, and go tensor by tensor, so that directions can be made
    orthogonal in between and never need more memory than themselves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: str

    @abstractmethod
    def draw(self, name: str, out: Tensor) -> None:
        """Fill ``out``, float32 or float64 on the CPU, with one parameter's raw entries."""

    @abstractmethod
    def scale(self, direction: Tensor, weights: Tensor) -> None:
        """Normalize one parameter's raw entries in place; both tensors are on the CPU."""

    @abstractmethod
    def label(self) -> str:
        """A few words for an axis, such as "random direction, filter-normalized (seed 1)"."""

    def prepare(self, parameters: Mapping[str, Tensor]) -> None:
        """Refuse parameters that this direction can't be made for; by default none is refused.

        Raises:
            LandscapeError: naming the parameters and the remedy.
        """
