from collections.abc import Callable

import numpy as np
import pytest

from builders import surface
from landscape_cli.plotting.annotations.marks import CROSSES
from landscape_cli.plotting.panel import Panel, select_panels
from landscape_cli.records.surface import Surface


def _surface(values, x="-1:1:5", y="-1:1:5", **more):
    """Return a surface over x, and over y unless it is None."""
    return surface(values, *([x, y] if y else [x]), **more)


@pytest.fixture
def make_surface() -> Callable[..., Surface]:
    return _surface


@pytest.fixture
def make_panel() -> Callable[..., Panel]:
    def make(*args, source="run.h5", **kwargs):
        return select_panels(_surface(*args, **kwargs), None, None, source)[0]

    return make


@pytest.fixture
def legend() -> Callable[..., list[str]]:
    """Return a function that returns the texts of a legend; those of a field only if asked."""

    def texts(axes, field=False):
        found = [text.get_text() for box in axes.figure.legends for text in box.get_texts()]
        return [text for text in found if field or not text.startswith("lines: ")]

    return texts


@pytest.fixture
def crosses() -> Callable[..., set[tuple[float, ...]]]:
    """Return a function that returns the positions of the crosses on an axes."""

    def places(axes):
        found = set()
        for line in axes.get_lines():
            if line.get_marker() in CROSSES:
                data = line.get_data_3d() if axes.name == "3d" else line.get_data()
                found |= {tuple(map(float, place)) for place in zip(*data, strict=True)}
        return found

    return places


@pytest.fixture
def corners() -> Callable[..., np.ndarray]:
    """Return a function that returns the x, y and z of all corners of a collection's faces.

    Matplotlib has no public interface for them.
    """

    def places(faces):
        if hasattr(faces, "_vec"):  # before matplotlib 3.10
            return faces._vec[:3]
        return np.reshape(faces._faces, (-1, 3)).T

    return places
