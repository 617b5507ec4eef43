"""Ticks on linear scales have plain numbers, and the power of ten beside the axis."""

import numpy as np
import pytest

from builders import surface
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.value_range import fit


@pytest.mark.parametrize("kind", ["contourf", "surface"])
def test_numbers_are_plain_and_a_power_of_ten_is_not(kind):
    values = 4e6 * np.linspace(0, 1, 25).reshape(5, 5)
    (panel,) = select_panels(surface(values), None, None, "a.h5")
    figure = draw([panel], kind, fit([panel], log=False))
    figure.draw_without_rendering()
    axes, bar = figure.axes
    labels = [text.get_text() for axis in (axes.xaxis, bar.yaxis) for text in axis.get_ticklabels()]
    assert {"\N{MINUS SIGN}1.0", "0.0", "1.0", "2.0"} <= set(labels)
    assert not any("$" in label for label in labels)
    assert r"\times" in bar.yaxis.get_offset_text().get_text()
