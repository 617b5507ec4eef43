"""Data of surfaces for an interactive page: plain values, with arrays in base64."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import StoreError, UsageError, visible
from landscape_cli.exports import Source
from landscape_cli.exports.page_facts import page_facts
from landscape_cli.exports.page_topology import topology_of
from landscape_cli.records.curves import title_of
from landscape_cli.records.curves.plane import CurveInPlane, curve_over
from landscape_cli.records.presentation import PERCENT, axis_name, fact, naming
from landscape_cli.records.repeats import deviation_over_repeats, mean_surface, one_repeat
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status
from landscape_cli.records.trajectory import Trajectory, markers_of, trajectories_of
from landscape_cli.refinement.summary import largest_error
from landscape_cli.topology.significance import PERSISTENCE

Floats = NDArray[np.float64]
Indices = Mapping[str, NDArray[np.int64]]

MAX_ERROR = 1e-4
"""Largest error of single precision, as a fraction of the range, before double is used."""

STDERR, DEVIATION = "standard error", "standard deviation over repeats"


def page_surface(source: Source) -> dict[str, Any]:
    """Convert a surface to the form that the page's scripts read.

    An incomplete surface is reduced to its finest complete level, if that has a finite value. A
    surface with repeats has a layer for their mean and one for each.

    Raises:
        UsageError: if it is not a plane, or has no finite value.
        StoreError: if its checkpoints or its path are damaged.
    """
    surface = source.surface
    check_plane(source)
    axes = {name: axis.coordinates for name, axis in surface.grid.axes.items()}
    shown = _shown(surface)
    network = fact(surface.provenance, "network", "name")
    return {
        "title": visible(str(network or source.name)),
        "subtitle": ", ".join(
            filter(None, [visible(source.name) if network else "", _progress(surface)])
        ),
        "axes": [visible(text) for name in axes if len(text := axis_name(surface, name)) > 1],
        **{name: axes[name][shown[name]].tolist() for name in axes},
        "layers": [_layer(name, layer, shown) for name, layer in _layers(surface)],
        "facts": page_facts(source),
        "centre": _centre(surface),
        **_places(source),
    }


def check_plane(source: Source) -> None:
    """Refuse a surface that can't be drawn in three dimensions.

    Raises:
        UsageError: if it is not a plane of at least two points along both axes, or has no finite
            value.
    """
    surface, axes = source.surface, list(source.surface.grid.axes.values())
    points = " x ".join(str(axis.points) for axis in axes)
    if len(axes) != 2:
        kind = {1: "a line"}.get(len(axes), "a volume")
        remedy = "draw it with landscape plot" if len(axes) == 1 else "compute one with --z none"
        raise UsageError(
            f"--to html: {source.file} is {kind} ({points} points), and a page shows planes; "
            f"{remedy}"
        )
    if min(axis.points for axis in axes) < 2:
        raise UsageError(
            f"--to html: {source.file} has {points} points, but a surface needs two along each "
            "axis; draw it with landscape plot --kind heatmap"
        )
    if not surface.done:
        raise UsageError(f"{source.file}: no point is computed yet; run landscape compute first")
    if not any(np.isfinite(values).any() for values in surface.values.values()):
        raise UsageError(
            f"{source.file}: none of the {surface.done} points computed has a finite value; there "
            "is nothing to show"
        )


def pack(array: NDArray[Any]) -> dict[str, str]:
    """Pack an array for the page's scripts: its type, and its little-endian bytes in base64."""
    kind = array.dtype.newbyteorder("<")
    data = np.ascontiguousarray(array, kind).tobytes()
    return {"type": f"{kind.kind}{kind.itemsize}", "data": base64.b64encode(data).decode("ascii")}


def short(values: Floats) -> NDArray[np.floating[Any]]:
    """Convert values to single precision, unless the difference could be seen."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        single = values.astype(np.float32)
        finite = np.isfinite(values)
        exact = values[finite]
        if not len(exact):
            return single
        error = np.abs(single[finite] - exact).max()
        tiny = (exact != 0) & (np.abs(exact) < np.finfo(np.float32).tiny)
        enough = error <= MAX_ERROR * (exact.max() - exact.min()) or error == 0
    return single if enough and np.isfinite(error) and not tiny.any() else values


def _shown(surface: Surface) -> Indices:
    """Return the indices along each axis of the points that are shown."""
    every = {name: np.arange(axis.points) for name, axis in surface.grid.axes.items()}
    level = None if surface.complete else surface.level
    if level is None or min(map(len, level.values())) < 2:
        return every
    arrays = (_cut(values, level, surface.grid.names) for values in surface.values.values())
    return level if any(np.isfinite(array).any() for array in arrays) else every


def _progress(surface: Surface) -> str:
    """Describe how much is computed, and which points are shown; empty for a complete surface."""
    if surface.complete:
        return ""
    text = f"{100 * surface.done // surface.total} % computed"
    shown = [len(indices) for indices in _shown(surface).values()]
    every = [axis.points for axis in surface.grid.axes.values()]
    if shown == every:
        return text
    return f"{' x '.join(map(str, shown))} of {' x '.join(map(str, every))} points, {text}"


def _layers(surface: Surface) -> Iterable[tuple[str, Surface]]:
    """Return the surface, or else the mean over its repeats and each of them, with names."""
    if not surface.grid.repeated:
        return [("", surface)]
    deviations = {
        key: np.where(np.isfinite(values).all(axis=0), deviation_over_repeats(values), np.nan)
        for key, values in surface.values.items()
    }
    mean = replace(mean_surface(surface), stderr=deviations)
    repeats = range(surface.grid.repeats)
    return [("mean", mean), *((f"{k}", one_repeat(surface, k)) for k in repeats)]


def _layer(name: str, surface: Surface, shown: Indices) -> dict[str, Any]:
    names = surface.grid.names
    status = _cut(surface.status, shown, names)
    missing = np.isin(status, (Status.TODO, Status.FAILED))
    views = []
    for (split, quantity), values in surface.values.items():
        unit = 100.0 if quantity in PERCENT else 1.0
        view: dict[str, Any] = {"split": split, "quantity": quantity, **_naming(quantity)}
        known = np.where(missing, np.nan, unit * _cut(values, shown, names))
        view["values"] = pack(short(known))
        errors = surface.stderr.get((split, quantity))
        if name != "mean":
            own = None if errors is None else unit * _cut(errors, shown, names)
            axes = {axis: surface.grid.axes[axis].coordinates[shown[axis]] for axis in names}
            error = largest_error(fact(surface.provenance, "adaptive"), split, quantity)
            least = max(PERSISTENCE, error)
            topology, basins = topology_of(known, own, quantity, axes, least)
            view["topology"] = {**topology, "basins": pack(basins)}
        if errors is not None and np.isfinite(errors).any():
            view["errors"] = pack((unit * _cut(errors, shown, names)).astype(np.float32))
            view["error"] = DEVIATION if name == "mean" else STDERR
        views.append(view)
    plain = (status == Status.OK).all()
    return {"name": name, "status": None if plain else pack(status), "views": views}


def _naming(quantity: str) -> dict[str, Any]:
    """Return a quantity's label and what pictures do with it, as far as it is special."""
    names = naming(quantity)
    flags = {"signed": names.signed, "logarithmic": names.log, "measured": names.measured}
    label = {} if names.label == quantity.replace("_", " ") else {"label": names.label}
    return {**label, **{flag: True for flag, raised in flags.items() if raised}}


def _centre(surface: Surface) -> dict[str, float] | None:
    """Return the coordinates of the trained network, or None if the plane does not reach it."""
    ends = [(axis.low, axis.high) for axis in surface.grid.axes.values()]
    inside = [low <= at <= high for at, (low, high) in zip(surface.origin, ends, strict=False)]
    if len(inside) < 2 or not all(inside):
        return None
    return {"x": surface.origin[0], "y": surface.origin[1]}


def _places(source: Source) -> dict[str, Any]:
    """Return the paths of training runs, the checkpoints and the curve that the file has."""
    provenance = source.surface.provenance
    try:
        paths, markers = trajectories_of(provenance), markers_of(provenance)
        curve = curve_over(provenance)
    except StoreError as error:
        raise StoreError(f"{source.file}: {error}") from None
    marks = [
        {"label": visible(marker.label), "x": marker.coordinates[0], "y": marker.coordinates[1]}
        for marker in markers
        if len(marker.coordinates) >= 2
    ]
    known = [_path(path) for path in paths if len(path.coordinates)]
    others = {"others": known[1:]} if len(known) > 1 else {}
    over = {} if curve is None else {"curve": _curve(curve)}
    return {"path": known[0] if known else None, "marks": marks, **others, **over}


def _path(path: Trajectory) -> dict[str, Any]:
    """Convert a path; its name is there if it is one of several."""
    x, y = path.coordinates.T.tolist()
    labels = path.labels if path.epochs is None else [f"epoch {epoch}" for epoch in path.epochs]
    name = {"name": visible(path.name)} if path.name else {}
    own = [
        {
            "split": split,
            "quantity": quantity,
            "values": pack((100.0 if quantity in PERCENT else 1.0) * array),
        }
        for (split, quantity), array in path.values.items()
    ]
    values = {"values": own} if own else {}
    return {"x": x, "y": y, "labels": list(map(visible, labels)), **name, **values}


def _curve(curve: CurveInPlane) -> dict[str, Any]:
    """Convert a curve: its name, and the places of its line, the straight line and its bends."""
    projected = f" (projected, up to {curve.residual:.3g} off the plane)"
    name = title_of(curve.shape) + (projected if curve.residual > 0 else "")
    lines = {"line": curve.coordinates, "straight": curve.straight, "bends": curve.bends}
    columns = {key: places.T.tolist() for key, places in lines.items()}
    return {"name": name, **{key: {"x": x, "y": y} for key, (x, y) in columns.items()}}


def _cut(array: NDArray[Any], shown: Indices, names: tuple[str, ...]) -> NDArray[Any]:
    """Return the entries of an array over the grid, with or without repeats, that are shown."""
    indices = [shown[name] for name in names[::-1]]
    if array.ndim > len(indices):
        indices.insert(0, np.arange(len(array)))
    return np.asarray(array[np.ix_(*indices)])
