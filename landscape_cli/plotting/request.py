"""The options of a picture, and the panels and scale that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from landscape_cli.errors import UsageError
from landscape_cli.plotting.annotations.overlay import followed, path_notes
from landscape_cli.plotting.interpolation import sentence
from landscape_cli.plotting.kinds.painter import load
from landscape_cli.plotting.kinds.suitability import choose_kind
from landscape_cli.plotting.kinds.twin import Twin, check_twin
from landscape_cli.plotting.layers.choice import NONE, choose_layers
from landscape_cli.plotting.layers.contour_lines import ContourLines
from landscape_cli.plotting.panel import Panel, select_panels
from landscape_cli.plotting.part import Part
from landscape_cli.plotting.scale import Levels
from landscape_cli.plotting.text.description import describe
from landscape_cli.plotting.text.suggestion import suggest
from landscape_cli.plotting.topology import TOPOLOGY_KINDS
from landscape_cli.plotting.topology.criterion import Criterion
from landscape_cli.plotting.value_range import fit, notes
from landscape_cli.records.surface import Surface
from landscape_cli.topology.significance import PERSISTENCE

ALONG = ("t", LENGTH := "length")
"""Choices for the x axis of lines along curves."""


def drawable(panels: Sequence[Panel]) -> bool:
    """Return whether every panel has a finite value."""
    return all(bool(panel.finite.any()) for panel in panels)


@dataclass(frozen=True)
class Picture(Part):
    """A picture that is decided on but not drawn yet: a part, and parts for more quantities.

    Args:
        beside: the parts of the other quantities.
        suggestion: a sentence on another scale; empty if this one shows the values.
    """

    beside: tuple[Part, ...] = ()
    suggestion: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, in the order in which they are drawn."""
        return (self, *self.beside)

    @property
    def caption(self) -> str:
        """A paragraph that describes the picture."""
        beside = [(part.panels, part.scale) for part in self.beside]
        if self.twin is None:
            interpolated = sentence([(load(part.kind).smooth, part.panels) for part in self.parts])
            return describe(self.panels, self.scale, beside=beside) + interpolated
        return describe(self.panels, self.scale, self.twin.panels, self.twin.scale)

    def notes(self) -> list[str]:
        """Return sentences about values and checkpoints that the picture does not show."""
        found: list[str] = []
        for part in self.parts:
            found += notes(part.panels, part.scale, load(part.kind).clipped)
        hints = [self.suggestion] if self.suggestion else []
        return list(dict.fromkeys([*found, *hints, *path_notes(self.panels)]))


@dataclass(frozen=True)
class Request:
    """The options of a picture; None means a default that depends on the surfaces.

    Args:
        kind: a name in ``KINDS``.
        split: the split whose values are drawn.
        quantity: the quantity to draw, or several, each with its own scale.
        repeat: index of the only repeat to draw.
        raw: draw every point of an incomplete surface.
        log: whether the scale is logarithmic.
        vmin: the lowest value shown.
        vmax: the highest value shown.
        levels: number of contour levels, or their ascending values.
        twin: the quantity on a line's second axis.
        at_centre: a quantity whose value at the trained network each panel states.
        labels: a title for each surface, in place of the network's and the file's name.
        contours_of: the quantity whose contour lines lie over the values of planes, or ``none``;
            by default the loss over maps of curvature.
        quiver: draw arrows along the negative gradient over planes.
        ascend: the axes along which arrows and lines of a field go uphill: x, y or xy.
        around: the value from which colours diverge, or ``centre`` for the trained network's.
        along: what the x axis of lines along curves is: ``t``, the default, or ``length``.
        basins: mark minima and saddles, and outline basins, over planes.
        neighbours: of a point, for the minima: 4 or 8 in a plane; the larger number by default.
        persistence: least persistence of a minimum, as a fraction of the range; 0.01 by default.
    """

    kind: str | None = None
    split: str | None = None
    quantity: str | Sequence[str] | None = None
    repeat: int | None = None
    raw: bool = False
    log: bool | None = None
    vmin: float | None = None
    vmax: float | None = None
    levels: Levels = None
    twin: str | None = None
    at_centre: str | None = None
    labels: Sequence[str | None] | None = None
    contours_of: str | None = None
    quiver: bool = False
    ascend: str | None = None
    around: float | str | None = None
    along: str | None = None
    basins: bool = False
    neighbours: int | None = None
    persistence: float | None = None

    @property
    def criterion(self) -> Criterion:
        """The minima that count."""
        fraction = PERSISTENCE if self.persistence is None else self.persistence
        return Criterion(self.neighbours, fraction)

    @property
    def quantities(self) -> list[str | None]:
        """The quantities to draw; None for the default."""
        if self.quantity is None or isinstance(self.quantity, str):
            return [self.quantity]
        return list(dict.fromkeys(self.quantity)) or [None]

    def panels(self, surfaces: Sequence[Surface], names: Sequence[str]) -> list[Panel]:
        """Return the panels of surfaces, which have these names, one quantity after the other.

        Raises:
            UsageError: if a surface lacks the split, quantity or repeat.
        """
        return [
            panel
            for quantity in self.quantities
            for panel in self._panels(surfaces, names, quantity)
        ]

    def twins(self, surfaces: Sequence[Surface], names: Sequence[str]) -> list[Panel]:
        """Return the panels of the second axis, or an empty list without one.

        Raises:
            UsageError: if a surface lacks the split, quantity or repeat.
        """
        return [] if self.twin is None else self._panels(surfaces, names, self.twin)

    def picture(self, panels: list[Panel], twins: Sequence[Panel] = ()) -> Picture:
        """Choose the kind and scale for panels, and what lies over them.

        Raises:
            UsageError: if the panels cannot share a figure, or an option does not apply to them.
        """
        self._check_criterion()
        if len(self.quantities) > 1:
            self._check_several(twins)
            groups = [[p for p in panels if p.quantity == name] for name in self.quantities]
            first, *others = [self._part(group) for group in groups]
            return replace(first, beside=tuple(others))
        if twins:
            check_twin(panels, twins)
            if self.kind == "comparison":
                raise UsageError(
                    f"--twin {self.twin}: --kind comparison has one axis; use --kind line"
                )
        picture = self._part(panels, "line" if twins else None)
        return replace(picture, twin=Twin(twins, fit(twins, log=False)) if twins else None)

    def _part(self, panels: list[Panel], usual: str | None = None) -> Picture:
        """Decide on a part, of a usual kind unless the user names another."""
        kind = choose_kind(panels, self.kind or usual)
        scale = fit(
            panels,
            log=self.log,
            vmin=self.vmin,
            vmax=self.vmax,
            levels=self.levels,
            around=self.around,
        )
        itself = len(self.quantities) > 1 and panels[0].quantity == self.contours_of
        contours = NONE if itself else self.contours_of
        basins = self.criterion if self.basins else None
        layers = choose_layers(
            panels, kind, contours, self.quiver, self.levels, basins, self.ascend or ""
        )
        if not load(kind).has_levels and any(isinstance(each, ContourLines) for each in layers):
            scale = replace(scale, levels=None)  # they are those of the lines
        free = self.vmin is None and self.vmax is None and len(self.quantities) == 1
        hint = suggest(panels, scale, self.log) if free else ""
        panels = [replace(panel, layers=layers) for panel in panels]
        return Picture(panels, kind, scale, suggestion=hint)

    def _check_criterion(self) -> None:
        """Refuse options of minima where none are marked."""
        for option, value in (("neighbours", self.neighbours), ("persistence", self.persistence)):
            if value is not None and not self.basins:
                raise UsageError(
                    f"--{option} {value:g}: no minima are drawn; add --basins, or use --kind "
                    f"{' or '.join(TOPOLOGY_KINDS)}"
                )

    def _check_several(self, twins: Sequence[Panel]) -> None:
        """Refuse options that do not say which of several quantities they are meant for."""
        several = f"--quantity is given {len(self.quantities)} times; draw one"
        for option, value in (
            ("--vmin", self.vmin),
            ("--vmax", self.vmax),
            ("--around", None if isinstance(self.around, str) else self.around),
        ):
            if value is not None:
                raise UsageError(f"{option} {value:g}: {several}, or leave {option} out")
        if twins:
            raise UsageError(f"--twin {self.twin}: {several}, or leave --twin out")

    def _panels(
        self, surfaces: Sequence[Surface], names: Sequence[str], quantity: str | None
    ) -> list[Panel]:
        labels = self.labels or [None] * len(names)
        if len(labels) != len(names):
            raise UsageError(f"labels: got {len(labels)} of them for {len(names)} surfaces")
        return [
            replace(panel, label=label, at_centre=self.at_centre, by_length=self._by_length(panel))
            for surface, name, label in zip(surfaces, names, labels, strict=True)
            for panel in select_panels(surface, self.split, quantity, name, self.raw, self.repeat)
            if _can_state(panel, self.at_centre)
        ]

    def _by_length(self, panel: Panel) -> bool:
        """Tell that a panel's x axis is the length of its curve, if that is asked for.

        Raises:
            UsageError: if it is no line along a curve, or goes beyond the curve's ends.
        """
        if self.along not in (None, *ALONG):
            raise UsageError(f"--along {self.along}: choose {' or '.join(ALONG)}")
        if self.along is None or followed(panel) is not None:
            axis = panel.surface.grid.axes["x"]
            if self.along == LENGTH and not (axis.low >= 0 and axis.high <= 1):
                raise UsageError(
                    f"--along length: {panel.source} goes beyond the ends of its curve (t from "
                    f"{axis.low:g} to {axis.high:g}), where there is no length; leave it out"
                )
            return self.along == LENGTH
        raise UsageError(
            f"--along {self.along}: {panel.source} is not a line along a curve; leave it out"
        )


def _can_state(panel: Panel, quantity: str | None) -> bool:
    """Tell that a quantity's value at the trained network can be stated, if one is asked for.

    Raises:
        UsageError: if the surface lacks the quantity, or a point there.
    """
    if quantity is None:
        return True
    available = panel.surface.quantities(panel.split)
    if quantity not in available:
        raise UsageError(
            f"--at-centre {quantity!r}: {panel.source} has {', '.join(available)} for "
            f"{panel.split}; choose one of these"
        )
    surface = panel.surface
    (nearest,) = surface.grid.coordinates([surface.grid.nearest(surface.origin)])
    if nearest != surface.origin:
        raise UsageError(
            f"--at-centre {quantity!r}: the grid of {panel.source} has no point at the centre; "
            "compute an odd number of points, or leave it out"
        )
    return True
