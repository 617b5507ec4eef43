"""The direction in which an optimizer's momentum leads."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_serializer, field_validator

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import DirectionSource, Entries
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.geometry.directions.unit import unit
from landscape_cli.records.checkpoint_path import CheckpointPath


class MomentumDirection(LoadedDirection):
    """The unit vector -m / |m| of the momentum m in a training checkpoint.

    m is SGD's ``momentum_buffer`` or Adam's ``exp_avg``, both averages of gradients: the optimizer
    moves on towards positive coordinates (Adam divides by the root of ``exp_avg_sq`` first).
    Coordinates are Euclidean distances.

    Attributes:
        path: the checkpoint, whose file also has the optimizer's state dict.
    """

    kind: Literal["momentum"] = "momentum"
    path: CheckpointPath

    @field_validator("path", mode="plain")
    @classmethod
    def _parse(cls, value: Any) -> CheckpointPath:
        return CheckpointPath.parse(value)

    @field_serializer("path")
    def _plain(self, path: CheckpointPath) -> str | dict[str, str]:
        return path.as_plain()

    def load(self, axis: str, source: DirectionSource) -> Entries:
        """Read the buffers and match them with the network's parameters.

        Raises:
            LandscapeError: if there are none, or they are another network's.
        """
        key = f"directions.{axis}"
        try:
            return unit(source.momentum(key, self.path), -1.0, source.centre)
        except UsageError as error:
            if str(error).startswith(key):
                raise
            raise UsageError(f"{key}: the momentum in {self.path} {error}") from None

    def label(self) -> str:
        """Return a label with the checkpoint."""
        return f"momentum at {self.path.stem}{self._normalized()}"
