"""A direction from a directions file."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

import torch

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import (
    DirectionFiles,
    DirectionSource,
    Entries,
    Range,
)
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.geometry.matching import match
from landscape_cli.util.tensors import wide_dtype


class FileDirection(LoadedDirection):
    """A stored direction, written by this program or by Li et al.'s `loss-landscape`.

    Attributes:
        path: the file, such as ``surface.directions.h5``.
        axis: the direction in the file; by default that of the axis it is used for.
    """

    kind: Literal["file"] = "file"
    path: str
    axis: Literal["x", "y", "z"] | None = None

    def stored_in(self, axis: str) -> tuple[str, str] | None:
        """Return the file and the axis in it; None if normalized."""
        return (self.path, self.axis or axis) if self.normalize == "none" else None

    def range(self, axis: str, files: DirectionFiles) -> Range | None:
        """Return the range that the file recommends; None if normalized."""
        if self.normalize != "none":
            return None
        ends = files.recommended_range(self.path, self.axis or axis)
        return None if ends is None else (*ends, f"as {self.path} recommends")

    def load(self, axis: str, source: DirectionSource) -> Entries:
        """Match the file's tensors with the network's.

        Raises:
            UsageError: if they do not match, or move buffers that the slice does not.
        """
        return entries_from(self.path, self.axis or axis, f"directions.{axis}", source)

    def label(self) -> str:
        """Return a label with the file's name."""
        which = f"direction {self.axis}" if self.axis else "direction"
        return f"{which} of file {PurePath(self.path).name}{self._normalized()}"


def entries_from(path: str, name: str, key: str, source: DirectionSource) -> Entries:
    """Read a direction from a file, and match its tensors with the network's.

    Args:
        path: the file.
        name: the direction's name in it.
        key: the key of the configuration that names the file, for messages.
        source: the network.

    Raises:
        UsageError: if they do not match, or move buffers that the slice does not.
    """
    try:
        tensors = match(source.stored(path, name), source.parameters, source.state)
    except UsageError as error:
        raise UsageError(f"{key}: {path!r}: {error}") from None
    for parameter, tensor in tensors.items():
        if parameter not in source.centre and bool(tensor.any()):
            raise UsageError(
                f"{key}: {path!r} moves buffers such as {parameter}; add perturb: states (and "
                "batch_norm: perturb for running statistics)"
            )
    return {
        parameter: tensors.get(parameter, torch.zeros(like.shape, dtype=wide_dtype(like)))
        for parameter, like in source.centre.items()
    }
