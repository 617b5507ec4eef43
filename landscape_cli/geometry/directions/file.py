"""A direction out of a directions file."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

from landscape_cli.geometry.directions.loaded import GivenDirection


class FileDirection(GivenDirection):
    """A direction that was stored: by this program, or by Li et al.'s `loss-landscape`.

    Attributes:
        path: the file, such as ``surface.directions.h5``.
        axis: which of its directions; that of the axis it is used for if left out.
    """

    kind: Literal["file"] = "file"
    path: str
    axis: Literal["x", "y", "z"] | None = None

    def label(self) -> str:
        """The file's name."""
        which = f"direction {self.axis}" if self.axis else "direction"
        return f"{which} of file {PurePath(self.path).name}{self._normalized()}"
