from collections.abc import Callable

import numpy as np
import pytest

from builders import LOSS, surface
from landscape_cli.analysis.field import Field
from landscape_cli.analysis.field_selection import select
from landscape_cli.records.surface import Surface


@pytest.fixture
def make_surface() -> Callable[..., Surface]:
    return surface


@pytest.fixture
def make_field() -> Callable[..., Field]:
    def make(*args, **kwargs):
        return select(surface(*args, **kwargs)).fields(LOSS)[0]

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
