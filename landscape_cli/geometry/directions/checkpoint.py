"""The direction to another checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import (
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from landscape_cli.geometry.directions.base import (
    DirectionFiles,
    DirectionSource,
    Entries,
    Range,
)
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.records.checkpoint_path import CheckpointPath
from landscape_cli.util.tensors import wide_dtype


class CheckpointDirection(LoadedDirection):
    """The difference theta_B - theta_A from the centre A, which is at 0; B is at 1.

    See Goodfellow et al. 2015, *Qualitatively Characterizing Neural Network Optimization Problems*,
    section 3.

    Attributes:
        path: the checkpoint B, in the forms of a configuration's ``checkpoint``; ``key`` and
            ``prefix`` may stand beside it.
    """

    auto_points: ClassVar[int] = 53
    """From -0.5 to 1.5 in steps of 1/26, so that both checkpoints are grid points."""

    kind: Literal["checkpoint"] = "checkpoint"
    path: CheckpointPath

    @model_validator(mode="before")
    @classmethod
    def _join(cls, values: Any) -> Any:
        """Move ``key`` and ``prefix`` into the path."""
        if not isinstance(values, Mapping) or not isinstance(values.get("path"), str):
            return values
        beside = {name: values[name] for name in ("key", "prefix") if name in values}
        rest = {name: value for name, value in values.items() if name not in beside}
        return {**rest, "path": {"path": values["path"], **beside}} if beside else values

    @field_validator("path", mode="plain")
    @classmethod
    def _parse(cls, value: Any) -> CheckpointPath:
        return CheckpointPath.parse(value)

    @field_serializer("path")
    def _text(self, path: CheckpointPath) -> str:
        return path.path

    @model_serializer(mode="wrap")
    def _fields(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write key and prefix beside the path, where all are text."""
        return {**handler(self), **self.path.as_fields()}

    @property
    def points(self) -> tuple[CheckpointPath, ...]:
        """The checkpoint B."""
        return (self.path,)

    def range(self, axis: str, files: DirectionFiles) -> Range | None:
        """Return a range that extends half their distance beyond A and B; None if normalized."""
        if self.normalize != "none":
            return None
        return -0.5, 1.5, "the checkpoints being at 0 and 1"

    def load(self, axis: str, source: DirectionSource) -> Entries:
        """Subtract the centre from the checkpoint, in float64."""
        weights = source.weights(self.path)
        return {
            name: (weights[name].double() - like.double()).to(wide_dtype(like))
            for name, like in source.centre.items()
        }

    def label(self) -> str:
        """Return a label with the checkpoint's name."""
        return f"direction to checkpoint {self.path.stem}{self._normalized()}"
