"""The direction of steepest descent of the loss."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_serializer, field_validator

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import DirectionSource, Entries
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.geometry.directions.unit import unit
from landscape_cli.records.checkpoint_path import CheckpointPath


class GradientDirection(LoadedDirection):
    """The unit vector -g / |g| of the mean loss's gradient g: downhill at positive coordinates.

    Coordinates are Euclidean distances. The gradient is taken in evaluation mode, with the
    checkpoint's own buffers.

    Attributes:
        path: the checkpoint at which it is taken; the centre if left out.
        split: the split whose mean is differentiated; the first evaluated one if left out.
        samples: number of samples of the split, stratified by class; all if left out.
        quantity: the objective's value; the first one if left out.
    """

    kind: Literal["gradient"] = "gradient"
    path: CheckpointPath | None = None
    split: str | None = None
    samples: int | None = Field(default=None, ge=1)
    quantity: str | None = None

    @field_validator("path", mode="plain")
    @classmethod
    def _parse(cls, value: Any) -> CheckpointPath | None:
        return None if value is None else CheckpointPath.parse(value)

    @field_serializer("path")
    def _plain(self, path: CheckpointPath | None) -> str | dict[str, str] | None:
        return None if path is None else path.as_plain()

    def load(self, axis: str, source: DirectionSource) -> Entries:
        """Differentiate the mean loss, on rank 0.

        Raises:
            LandscapeError: if the gradient can't be taken, is zero or not finite.
        """
        key = f"directions.{axis}"
        gradient = source.gradient(key, self.path, self.split, self.samples, self.quantity)
        try:
            return unit(gradient, -1.0, source.centre)
        except UsageError as error:
            where = "the centre" if self.path is None else str(self.path)
            raise UsageError(f"{key}: the gradient at {where} {error}") from None

    def label(self) -> str:
        """Return a label with the split and the checkpoint."""
        at = "" if self.path is None else f" at {self.path.stem}"
        of = "" if self.split is None else f" of the {self.split} {self.quantity or 'loss'}"
        return f"negative gradient{of}{at}{self._normalized()}"
