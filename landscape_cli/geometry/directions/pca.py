"""A principal component of several checkpoints."""

from __future__ import annotations

from typing import Literal

from landscape_cli.errors import UsageError
from landscape_cli.geometry.directions.base import DirectionSource, Entries
from landscape_cli.geometry.directions.loaded import LoadedDirection


class PcaDirection(LoadedDirection):
    """A direction of the least-squares plane through the centre and several checkpoints.

    Components are orthonormal: coordinates are Euclidean distances in parameter space.

    Attributes:
        component: 1 or 2; 1 for x and 2 for y if left out.
    """

    kind: Literal["pca"] = "pca"
    component: Literal[1, 2] | None = None

    def load(self, axis: str, source: DirectionSource) -> Entries:
        """Load one of the components.

        Raises:
            UsageError: if there is no such component.
        """
        components = source.components()
        number = self.component or "xyz".index(axis) + 1
        if number > len(components):
            raise UsageError(
                f"directions.{axis}: kind pca has {len(components)} components; name one of them"
            )
        return components[number - 1]

    def label(self) -> str:
        """Return a label with the component's number."""
        which = "" if self.component is None else f" {self.component}"
        return f"pca component{which} of the checkpoints{self._normalized()}"
