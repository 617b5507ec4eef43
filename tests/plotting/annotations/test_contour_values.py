"""Values on contour lines: at round levels, on their lines, over nothing else."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from landscape_cli.plotting.annotations.contour_values import CONTOUR_VALUE
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_size import Size
from landscape_cli.plotting.interpolation import smooth
from landscape_cli.plotting.value_range import fit


def rough(x, y):
    return 3 * x**2 + 2 * y**2 + np.sin(5 * x) * np.cos(4 * y) + 1.5


@pytest.mark.parametrize(("look", "width"), [("paper", 3.5), ("talk", 5.0)])
def test_values_cover_neither_each_other_nor_marks_nor_the_frame(make_panel, look, width):
    panel = make_panel(rough, x="-1:1:21", y="-1:1:21")
    figure = draw([panel], "contour", fit([panel]), look=look, size=Size(width))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    axes = figure.axes[0]
    values = [t for t in axes.texts if t.get_gid() == CONTOUR_VALUE and t.get_visible()]
    boxes = [text.get_window_extent(renderer) for text in values]
    assert len(boxes) >= 3
    for first, second in combinations(boxes, 2):
        assert not first.overlaps(second)
    centre = axes.transData.transform([0, 0])
    for box in boxes:
        assert not box.contains(*centre)
        assert axes.bbox.contains(box.x0, box.y0)
        assert axes.bbox.contains(box.x1, box.y1)
    x, y, drawn = smooth(panel, fit([panel]))
    for text in values:
        place = text.get_position()
        column, row = np.abs(x - place[0]).argmin(), np.abs(y - place[1]).argmin()
        assert drawn[row, column] == pytest.approx(float(text.get_text()), abs=0.3)


def test_a_line_too_short_for_its_value_has_none(make_panel):
    panel = make_panel(
        lambda x, y: np.exp(-((30 * x) ** 2) - (30 * y) ** 2), x="-1:1:41", y="-1:1:41"
    )
    figure = draw([panel], "contour", fit([panel]))
    figure.draw_without_rendering()
    assert not any(t.get_visible() for t in figure.axes[0].texts if t.get_gid() == CONTOUR_VALUE)
