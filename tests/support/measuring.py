"""Measure the texts of figures where they are drawn.

Each text that the renderer gets is measured, with its box turned as the text is. The share of the
panels is the area of the axes with the labels of their ticks, their axes' labels and titles, and of
the colour bars, over the figure's.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from landscape_cli.plotting.style import style

SIZES = (None, "column", "double")
"""Sizes at which figures of every kind fit."""

SHARE = 0.55
"""Least share of panels."""


@contextmanager
def recorded() -> Iterator[list[tuple[Text, np.ndarray]]]:
    """Collect the texts that are drawn, with the corners of their boxes at that time."""
    found, draw_text = [], Text.draw

    def record(self, renderer, *more):
        if self.get_visible() and self.get_text().strip():
            found.append((self, corners(self, renderer)))
        draw_text(self, renderer, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", record)
        yield found


def corners(text, renderer):
    """Return the corners of a text's box, of shape (4, 2), turned as the text is."""
    angle = text.get_rotation()
    box = text.get_window_extent(renderer)
    if angle % 90 == 0:
        return np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
    text.set_rotation(0)
    flat = text.get_window_extent(renderer)
    text.set_rotation(angle)
    turn = np.deg2rad(angle)
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [flat.width / 2, flat.height / 2]
    middle = [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2]
    return half @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]] + middle


def overlap(first, second, tolerance=1.0):
    """Return whether two convex shapes overlap by more than a tolerance in pixels."""
    for shape in (first, second):
        for edge in np.roll(shape, -1, axis=0) - shape:
            normal = np.array([-edge[1], edge[0]]) / max(1e-9, np.hypot(*edge))
            one, other = first @ normal, second @ normal
            if one.max() - tolerance <= other.min() or other.max() - tolerance <= one.min():
                return False
    return True


def near(shapes):
    """Return the pairs of numbers of shapes whose upright boxes overlap."""
    low, high = (np.array([edge(shape, axis=0) for shape in shapes]) for edge in (np.min, np.max))
    meets = ((low[:, None] < high) & (low < high[:, None])).all(axis=2)
    return np.argwhere(np.triu(meets, 1)).tolist()


def is_bar(axes):
    return axes.get_label() == "<colorbar>"


def faults(figure, look):
    """Return what is wrong with a figure as sentences, and the share of its panels."""
    canvas = FigureCanvasAgg(figure)
    with style(look), recorded() as texts:
        canvas.draw()
    renderer, (width, height) = canvas.get_renderer(), figure.bbox.size
    shapes = [(text.get_text(), shape) for text, shape in texts]
    wrong = [
        f"{text!r} leaves the figure"
        for text, shape in shapes
        if shape.min() < -1 or (shape.max(axis=0) > [width + 1, height + 1]).any()
    ]
    wrong += [
        f"{shapes[i][0]!r} overlaps {shapes[j][0]!r}"
        for i, j in near([shape for _, shape in shapes])
        if overlap(shapes[i][1], shapes[j][1])
    ]
    bars = [(axes, axes.get_window_extent(renderer)) for axes in figure.axes if is_bar(axes)]
    wrong += [
        f"{text.get_text()!r} overlaps a colour bar"
        for text, shape in texts
        for axes, box in bars
        if text.axes is not axes and overlap(shape, box.corners()[[0, 2, 3, 1]])
    ]
    boxes = [axes.get_tightbbox(renderer) for axes in figure.axes if axes.get_visible()]
    return wrong, sum(box.width * box.height for box in boxes) / (width * height)


def assert_fits(figure, look="paper", least=SHARE):
    """Assert that no text overlaps another or leaves the figure, and that panels take most."""
    wrong, share = faults(figure, look)
    assert not wrong, wrong
    assert share >= least, share
