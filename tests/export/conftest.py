from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landscape_cli.export import FORMATS, Options, Source
from landscape_cli.export.export_files import export
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

QUANTITIES = [("test", "accuracy"), ("train", "accuracy"), ("train", "loss")]


def _surface(values, *ranges, status=None, repeats=1, **facts):
    """A surface over axes such as "-1:1:5"; ``values`` is one train loss, or several by name.

    Each is an array, or a function of x, y, ...
    """
    grid = Grid(dict(zip("xyz", map(Axis.parse, ranges), strict=False)), repeats)
    places = [axis.coordinates for axis in list(grid.axes.values())[::-1]]
    mesh = np.meshgrid(*places, indexing="ij")[::-1]
    values = values if isinstance(values, dict) else {("train", "loss"): values}
    arrays = {
        key: np.asarray(one(*mesh) if callable(one) else one, dtype=np.float64)
        for key, one in values.items()
    }
    if status is None:
        finite = np.all([np.isfinite(one) for one in arrays.values()], axis=0)
        status = np.where(finite, Status.OK, Status.NOT_FINITE)
    status = np.asarray(status, dtype=np.uint8)
    return Surface(
        grid=grid,
        values=arrays,
        stderr={key: np.abs(one) / 8 for key, one in arrays.items()},
        status=status,
        seconds=np.full(grid.shape, 0.5, dtype=np.float32),
        rank=np.arange(grid.total, dtype=np.int32).reshape(grid.shape) % 3,
        **facts,
    )


@pytest.fixture
def make_surface() -> Callable[..., Surface]:
    return _surface


@pytest.fixture
def write(tmp_path) -> Callable[..., tuple[Path, list[str]]]:
    """Write a surface in a format; its file and what is said of it."""

    def write(surface, name, **options):
        path = tmp_path / f"out{FORMATS[name].ending}"
        notes = export(name, [Source(surface, "run.h5", "run")], path, Options(**options))
        assert path.exists()
        assert not list(tmp_path.glob(".*"))
        return path, list(notes)

    return write


@pytest.fixture(params=["line", "plane", "volume", "repeats", "unfinished"])
def any_surface(request) -> Surface:
    """Surfaces of every shape, some with what is not finite, not computed, or not positive."""
    ranges = {"line": 1, "volume": 3}.get(request.param, 2) * ["-1:1:4", "0:3:3", "5:6:2"]
    ranges = ranges[: {"line": 1, "volume": 3}.get(request.param, 2)]
    repeats = 2 if request.param == "repeats" else 1
    shape = Grid(dict(zip("xyz", map(Axis.parse, ranges), strict=False)), repeats).shape
    random = np.random.default_rng(0)
    arrays = {key: random.normal(size=shape) for key in QUANTITIES}
    surface = _surface(arrays, *ranges, repeats=repeats, config={"a": [1]}, provenance={"b": "ä"})
    if request.param != "unfinished":
        return surface
    loss, status = arrays["train", "loss"], surface.status.copy()
    loss.flat[:5] = np.inf, np.nan, -np.inf, np.nan, np.nan
    status.flat[:6] = [*[Status.NOT_FINITE] * 3, Status.TODO, Status.FAILED, Status.INTERPOLATED]
    return replace(surface, status=status, values={**arrays, ("train", "loss"): loss})
