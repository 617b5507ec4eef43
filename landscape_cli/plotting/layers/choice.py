"""Choose what lies over the panels of a picture."""

from __future__ import annotations

from collections.abc import Sequence

from landscape_cli.errors import UsageError
from landscape_cli.plotting import FIELDS, KINDS, LAYERED
from landscape_cli.plotting.kinds.suitability import check_wide
from landscape_cli.plotting.layers.arrows import arrows_over
from landscape_cli.plotting.layers.basins import Basins
from landscape_cli.plotting.layers.contour_lines import ContourLines
from landscape_cli.plotting.layers.outline import LOWEST, Outline
from landscape_cli.plotting.layers.slopes import SLOPES
from landscape_cli.plotting.layers.streamlines import streamlines_over
from landscape_cli.plotting.panel import Layer, Panel, lacking
from landscape_cli.plotting.scale import Levels
from landscape_cli.plotting.topology.criterion import Criterion
from landscape_cli.plotting.value_range import fit
from landscape_cli.records.presentation import naming

OVER_CURVATURE = "loss"
"""The quantity whose contour lines lie over maps of curvature unless another is named."""

NONE = "none"
"""Word for no contour lines."""

ASCENDING = ("x", "y", "xy")
"""Choices of the axes along which a field goes uphill."""


def choose_layers(
    panels: Sequence[Panel],
    kind: str,
    contours_of: str | None,
    quiver: bool,
    levels: Levels = None,
    basins: Criterion | None = None,
    ascend: str = "",
) -> tuple[Layer, ...]:
    """Return the layers over all panels of a figure, which share their scales.

    Args:
        panels: at least one, all of the same quantity.
        kind: the kind of plot.
        contours_of: the quantity whose contour lines are drawn; ``none`` for no lines, None for
            those of the loss over maps of curvature.
        quiver: whether to draw arrows along the field.
        levels: number of contour lines; None for round values.
        basins: which minima are marked; None for none.
        ascend: the axes along which the field goes uphill, such as "y".

    Raises:
        UsageError: if the kind has no layers, or a surface lacks a quantity.
    """
    marked = () if basins is None else (_basins(panels, kind, basins),)
    asked = [f"--contours-of {contours_of}"] if contours_of not in (None, NONE) else []
    asked += ["--quiver"] if quiver else []
    _check_field(kind, quiver, ascend)
    if not KINDS[kind].layered:
        if asked:
            raise UsageError(f"{asked[0]}: does not apply to --kind {kind}; use {_kinds()}")
        return marked
    lines = _contour_lines(panels, contours_of, levels)
    outlined = naming(panels[0].quantity).outlined and all(_has(p, LOWEST) for p in panels)
    layers: list[Layer | None] = [lines, Outline(kind == "heatmap") if outlined else None]
    if quiver:
        for name in SLOPES:
            _check(panels, name, "--quiver")
        layers.append(arrows_over(panels, ascend))
    if kind in FIELDS:
        for panel in panels:
            check_wide(panel, kind)
        layers.append(streamlines_over(panels, ascend))
    return (*(layer for layer in layers if layer is not None), *marked)


def _check_field(kind: str, quiver: bool, ascend: str) -> None:
    """Refuse options of a field where none or another one is drawn."""
    if ascend not in ("", *ASCENDING):
        raise UsageError(f"--ascend {ascend}: choose {' or '.join(ASCENDING)}")
    if ascend and not quiver and kind not in FIELDS:
        field = " or ".join(FIELDS)
        raise UsageError(
            f"--ascend {ascend}: no field is drawn; use --kind {field}, or add --quiver"
        )
    if quiver and kind in FIELDS:
        raise UsageError(
            f"--quiver: --kind {kind} draws lines along the field; use contourf, or leave one out"
        )


def _basins(panels: Sequence[Panel], kind: str, criterion: Criterion) -> Basins:
    if KINDS[kind].axes != 2:
        raise UsageError(f"--basins: does not apply to --kind {kind}; use --kind merge-tree")
    criterion.check(panels)
    return Basins(criterion, flat=not KINDS[kind].three_dimensional)


def _contour_lines(
    panels: Sequence[Panel], asked: str | None, levels: Levels
) -> ContourLines | None:
    if asked == NONE:
        return None
    name = asked or OVER_CURVATURE
    if asked is None:
        wide = all(min(panel.z.shape) > 1 for panel in panels)
        drawable = all(_has(panel, name) and panel.of(name).finite.any() for panel in panels)
        if not (naming(panels[0].quantity).curved and wide and drawable):
            return None
    _check(panels, name, f"--contours-of {name}")
    for panel in panels:
        check_wide(panel, "contour")
    return ContourLines(name, fit([panel.of(name) for panel in panels], levels=levels))


def _has(panel: Panel, quantity: str) -> bool:
    return (panel.split, quantity) in panel.surface.values


def _check(panels: Sequence[Panel], quantity: str, option: str) -> None:
    for panel in panels:
        if not _has(panel, quantity):
            names = panel.surface.quantities(panel.split)
            raise UsageError(lacking(option, panel.source, names, [panel.split], quantity))


def _kinds() -> str:
    return " or ".join(LAYERED)
