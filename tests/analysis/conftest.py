from collections.abc import Callable

import numpy as np
import pytest

from landscape_cli.analysis.field import Field
from landscape_cli.analysis.field_selection import select
from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status

KEY = ("train", "loss")


def _surface(values, *ranges, status=None, repeats=1, **facts):
    """A train loss over axes such as "-1:1:5"; ``values`` is an array or a function of x, y, ..."""
    axes = dict(zip("xyz", map(Axis.parse, ranges), strict=False))
    grid = Grid(axes)
    if callable(values):
        places = (axis.coordinates for axis in list(axes.values())[::-1])
        values = values(*np.meshgrid(*places, indexing="ij")[::-1])
    values = np.asarray(values, dtype=np.float64)
    if status is None:
        status = np.where(np.isfinite(values), Status.OK, Status.NOT_FINITE)
    if repeats > 1:
        object.__setattr__(grid, "repeats", repeats)
    return Surface(
        grid=grid,
        values={KEY: values},
        stderr={KEY: np.full(values.shape, np.nan)},
        status=np.asarray(status, dtype=np.uint8),
        seconds=np.zeros(values.shape, dtype=np.float32),
        rank=np.zeros(values.shape, dtype=np.int32),
        **facts,
    )


@pytest.fixture
def make_surface() -> Callable[..., Surface]:
    return _surface


@pytest.fixture
def make_field() -> Callable[..., Field]:
    def make(*args, **kwargs):
        return select(_surface(*args, **kwargs)).fields(KEY)[0]

    return make


@pytest.fixture
def quadratic() -> Callable[..., Callable[..., np.ndarray]]:
    """The function c + g.a + a.H.a / 2 of coordinates a."""

    def make(hessian, centre=0.0, gradient=None):
        hessian = np.atleast_2d(hessian)
        gradient = np.zeros(len(hessian)) if gradient is None else np.asarray(gradient)

        def function(*axes):
            a = np.stack(axes, -1)
            return centre + a @ gradient + np.einsum("...i,ij,...j", a, hessian, a) / 2

        return function

    return make
