"""What to draw of surfaces: the options of a picture, and the panels and scale they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from landscape_cli.plotting.annotations.overlay import path_notes
from landscape_cli.plotting.kinds.painter import load
from landscape_cli.plotting.kinds.suitability import check
from landscape_cli.plotting.kinds.twin import Twin, check_twin
from landscape_cli.plotting.panel import Panel, choose
from landscape_cli.plotting.scale import Scale
from landscape_cli.plotting.text.description import describe
from landscape_cli.plotting.value_range import fit, notes
from landscape_cli.records.surface import Surface


def drawable(panels: Sequence[Panel]) -> bool:
    """Whether every panel has a finite value."""
    return all(bool(panel.finite.any()) for panel in panels)


@dataclass(frozen=True)
class Picture:
    """What is drawn, before anything is.

    Args:
        panels: at least one, all of the same dimension and quantity.
        kind: how they are drawn, a name in ``KINDS``.
        scale: the scale that they share.
        twin: what is drawn on a second axis.
    """

    panels: list[Panel]
    kind: str
    scale: Scale
    twin: Twin | None = None

    @property
    def caption(self) -> str:
        """What the picture shows, a paragraph."""
        if self.twin is None:
            return describe(self.panels, self.scale)
        return describe(self.panels, self.scale, self.twin.panels, self.twin.scale)

    def notes(self) -> list[str]:
        """What the picture does not show, a sentence each."""
        clipped = load(self.kind).clipped
        return [*notes(self.panels, self.scale, clipped), *path_notes(self.panels)]


@dataclass(frozen=True)
class Request:
    """The options of a picture; None leaves the choice to the surfaces.

    Args:
        kind: a name in ``KINDS``.
        split: whose values.
        quantity: which values.
        repeat: the one of several repeats that is drawn alone.
        raw: draw every point of an incomplete surface.
        log: whether the scale is logarithmic.
        vmin: the lowest value shown.
        vmax: the highest value shown.
        levels: how many levels contours have.
        twin: the quantity of a line's second axis.
    """

    kind: str | None = None
    split: str | None = None
    quantity: str | None = None
    repeat: int | None = None
    raw: bool = False
    log: bool | None = None
    vmin: float | None = None
    vmax: float | None = None
    levels: int | None = None
    twin: str | None = None

    def panels(self, surfaces: Sequence[Surface], names: Sequence[str]) -> list[Panel]:
        """The panels of surfaces with these names.

        Raises:
            UsageError: if a surface lacks what is asked for.
        """
        return self._panels(surfaces, names, self.quantity)

    def twins(self, surfaces: Sequence[Surface], names: Sequence[str]) -> list[Panel]:
        """The panels of the second axis, none without one.

        Raises:
            UsageError: if a surface lacks what is asked for.
        """
        return [] if self.twin is None else self._panels(surfaces, names, self.twin)

    def picture(self, panels: list[Panel], twins: Sequence[Panel] = ()) -> Picture:
        """How these panels are drawn.

        Raises:
            UsageError: if they do not go together, or an option makes no sense for them.
        """
        if twins:
            check_twin(panels, twins)
        kind = check(panels, self.kind)
        scale = fit(panels, log=self.log, vmin=self.vmin, vmax=self.vmax, levels=self.levels)
        second = Twin(twins, fit(twins, log=False)) if twins else None
        return Picture(panels, kind, scale, second)

    def _panels(
        self, surfaces: Sequence[Surface], names: Sequence[str], quantity: str | None
    ) -> list[Panel]:
        return [
            panel
            for surface, name in zip(surfaces, names, strict=True)
            for panel in choose(surface, self.split, quantity, name, self.raw, self.repeat)
        ]
