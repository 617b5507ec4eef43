from collections.abc import Callable

import numpy as np
import pytest

from landscape_cli.plotting.panel import Panel, choose
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status


def _surface(values, x="-1:1:5", y="-1:1:5", status=None, stderr=None, provenance=None):
    """A surface over x (and y unless None); ``values`` is one train loss or several by name."""
    axes = {"x": Axis.parse(x)} | ({"y": Axis.parse(y)} if y else {})
    grid = Grid(axes)
    if callable(values):
        mesh = np.meshgrid(*(axis.coordinates for axis in axes.values()))
        values = values(*mesh)
    if not isinstance(values, dict):
        values = {("train", "loss"): values}
    values = {name: np.asarray(v, dtype=np.float64) for name, v in values.items()}
    if status is None:
        finite = np.all([np.isfinite(v) for v in values.values()], axis=0)
        status = np.where(finite, Status.OK, Status.NOT_FINITE)
    return Surface(
        grid=grid,
        values=values,
        stderr=stderr or {name: np.full(grid.shape, np.nan) for name in values},
        status=np.asarray(status, dtype=np.uint8),
        seconds=np.zeros(grid.shape, dtype=np.float32),
        rank=np.zeros(grid.shape, dtype=np.int32),
        provenance=provenance or {},
    )


@pytest.fixture
def make_surface() -> Callable[..., Surface]:
    return _surface


@pytest.fixture
def make_panel() -> Callable[..., Panel]:
    def make(*args, source="run.h5", **kwargs):
        return choose(_surface(*args, **kwargs), None, None, source)[0]

    return make


@pytest.fixture
def legend() -> Callable[..., list[str]]:
    """The texts of an axes' legend."""

    def texts(axes):
        box = axes.get_legend()
        return [] if box is None else [text.get_text() for text in box.get_texts()]

    return texts


@pytest.fixture
def crosses() -> Callable[..., set[tuple[float, ...]]]:
    """The places of the crosses on an axes."""

    def places(axes):
        found = set()
        for line in axes.get_lines():
            if line.get_marker() == "x":
                data = line.get_data_3d() if axes.name == "3d" else line.get_data()
                found |= {tuple(map(float, place)) for place in zip(*data, strict=True)}
        return found

    return places


@pytest.fixture
def corners() -> Callable[..., np.ndarray]:
    """The x, y and z of all corners of a collection's faces; matplotlib has no public way."""

    def places(faces):
        if hasattr(faces, "_vec"):  # before matplotlib 3.10
            return faces._vec[:3]
        return np.reshape(faces._faces, (-1, 3)).T

    return places
