"""A principal component of several checkpoints."""

from __future__ import annotations

from typing import Literal

from landscape_cli.geometry.directions.loaded import GivenDirection


class PcaDirection(GivenDirection):
    """A direction of the least-squares plane through the centre and several checkpoints.

    Components are orthonormal: coordinates are Euclidean distances in parameter space.

    Attributes:
        component: 1 or 2; 1 for x and 2 for y if left out.
    """

    kind: Literal["pca"] = "pca"
    component: Literal[1, 2] | None = None

    def label(self) -> str:
        """Which component."""
        which = "" if self.component is None else f" {self.component}"
        return f"pca component{which} of the checkpoints{self._normalized()}"
