"""The direction along which a coordinate of a diffusion map grows."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import DirectionSource, Entries
from landscape_cli.geometry.directions.loaded import LoadedDirection
from landscape_cli.geometry.directions.unit import unit


class DiffusionDirection(LoadedDirection):
    """The linear fit of checkpoints theta_i to a coordinate psi of ``landscape diffusion``.

    Least squares of theta_i = a + psi_i b gives b = sum_i c_i theta_i / sum_i c_i^2 with
    c_i = psi_i - mean(psi), of which this is the unit vector: psi grows along it. Coordinates are
    Euclidean distances.

    Attributes:
        path: the diffusion file, such as ``net.diffusion.h5``; its checkpoints are read again.
        component: 1 for the coordinate of the largest eigenvalue below 1; if left out, 1 for x, 2
            for y and 3 for z.
    """

    kind: Literal["diffusion"] = "diffusion"
    path: str
    component: int | None = Field(default=None, ge=1)

    def load(self, axis: str, source: DirectionSource) -> Entries:
        """Sum the checkpoints, one after the other.

        Raises:
            LandscapeError: if the file has no such coordinate, or a checkpoint has changed.
        """
        key, number = f"directions.{axis}", self.component or "xyz".index(axis) + 1
        psi, paths = source.diffusion(key, self.path, number)
        centred = psi - psi.mean()
        total: dict[str, Tensor] = {
            name: torch.zeros(like.shape, dtype=torch.float64)
            for name, like in source.centre.items()
        }
        for weight, path in zip(centred.tolist(), paths, strict=True):
            for name, tensor in source.weights(path).items():
                # Weights add up to 0, so that the centre drops out, and with it large numbers.
                difference = tensor.double() - source.centre[name].double()
                total[name].add_(difference, alpha=weight)
        try:
            return unit(total, 1.0, source.centre)
        except UsageError as error:
            raise UsageError(f"{key}: the linear fit to coordinate {number} {error}") from None

    def label(self) -> str:
        """Return a label with the coordinate's number and the file's name."""
        which = "" if self.component is None else f" {self.component}"
        return f"diffusion coordinate{which} of {PurePath(self.path).name}{self._normalized()}"
