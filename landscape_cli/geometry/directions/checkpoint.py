"""The direction to another checkpoint."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar, Literal

from landscape_cli.geometry.directions.base import (
    DirectionFiles,
    DirectionSource,
    Entries,
    Range,
)
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.geometry.parameters import wide_dtype


class CheckpointDirection(LoadedDirection):
    """The difference theta_B - theta_A from the centre A, which is at 0; B is at 1.

    See Goodfellow et al. 2015, *Qualitatively Characterizing Neural Network Optimization Problems*,
    section 3.

    Attributes:
        path: the checkpoint B.
    """

    auto_points: ClassVar[int] = 53
    """From -0.5 to 1.5 in steps of 1/26, so that both checkpoints are grid points."""

    kind: Literal["checkpoint"] = "checkpoint"
    path: str

    @property
    def points(self) -> tuple[str, ...]:
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
        return f"direction to checkpoint {PurePath(self.path).stem}{self._normalized()}"
