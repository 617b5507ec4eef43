"""The direction to another checkpoint."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from landscape_cli.geometry.directions.loaded import GivenDirection


class CheckpointDirection(GivenDirection):
    """The difference theta_B - theta_A from the centre: A is at 0, and B at 1.

    See Goodfellow et al. 2015, *Qualitatively Characterizing Neural Network Optimization Problems*,
    section 3.

    Attributes:
        path: the checkpoint B.
    """

    kind: Literal["checkpoint"] = "checkpoint"
    path: str

    def label(self) -> str:
        """The checkpoint's name."""
        return f"direction to checkpoint {PurePath(self.path).stem}{self._normalized()}"
