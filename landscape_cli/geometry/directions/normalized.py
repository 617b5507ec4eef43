"""The base class of directions that any rule can normalize."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import Field, field_validator
from torch import Tensor

from landscape_cli.geometry.blocks import Blocks
from landscape_cli.geometry.directions.base import Direction
from landscape_cli.geometry.normalization import WHOLE, Ignore, Scaling, check_rule, measure_whole


class NormalizedDirection(Direction):
    """A direction with a normalization rule.

    Attributes:
        normalize: a rule of ``geometry.normalization``, or the import path of a function of two
            tensors, ``(direction, weights) -> direction``.
        ignore: ``biasbn`` does not move tensors of at most one dimension.
    """

    normalize: str
    ignore: Ignore = Field(strict=False)

    @field_validator("normalize")
    @classmethod
    def _known_rule(cls, value: str) -> str:
        check_rule(value)
        return value

    @property
    def custom_rule(self) -> str | None:
        """Import path of the user's own normalization; None for a rule of this package."""
        return self.normalize if ":" in self.normalize else None

    def moves(self, name: str, dimensions: int) -> bool:
        """Return True if the direction may move a parameter with this number of dimensions."""
        return self.selects(name) and not self.ignores(dimensions)

    def ignores(self, dimensions: int) -> bool:
        """Return True if tensors with this number of dimensions are not moved."""
        return dimensions <= 1 and self.ignore is Ignore.BIASBN

    def scalings(
        self, drawn: Callable[[str], Blocks], weights: Mapping[str, Tensor]
    ) -> dict[str, Scaling]:
        """Return scalings by the rule, for each tensor or for all together."""
        if self.normalize not in WHOLE:
            return super().scalings(drawn, weights)
        moved = [name for name, view in weights.items() if self.moves(name, view.dim())]
        return measure_whole(drawn, weights, self.normalize, moved)
