"""Matrices of barriers: their numbers, gaps, and texts that keep apart."""

import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.plotting.barriers import draw_barriers
from landscape_cli.records.curves.barriers import ALIGNED, CURVE, STRAIGHT, Barriers, height

LOSS, ERROR = ("train", "loss"), ("test", "error")


def barriers(count=4, ways=(STRAIGHT, ALIGNED, CURVE)):
    found = Barriers([f"seed{n}" for n in range(count)], ways)
    for place, way in enumerate(ways):
        for i in range(count):
            for j in range(i):
                found.add(i, j, way, {ERROR: 0.01 * (i + j), LOSS: (i + j) / (1 + place)})
    return found


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_each_way_has_a_matrix_with_every_number():
    figure = draw_barriers(barriers())
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == [
        "straight line",
        "aligned, straight line",
        "trained curve",
    ]
    assert sorted(texts(panels[0])) == sorted(2 * ["1", "2", "3", "3", "4", "5"])
    assert figure.axes[-1].get_ylabel() == "train loss barrier"


def test_a_pair_that_is_missing_is_a_gap():
    found = Barriers(["a", "b", "c"], [STRAIGHT])
    found.add(0, 1, STRAIGHT, {LOSS: 2.0})
    (axes, *_) = draw_barriers(found).axes
    assert texts(axes) == ["2", "2"]
    assert np.ma.getmaskarray(axes.images[0].get_array()).sum() == 7


@pytest.mark.parametrize("look", ["paper", "dark", "talk"])
@pytest.mark.parametrize("count", [2, 8])
def test_no_two_numbers_overlap(look, count):
    figure = draw_barriers(barriers(count), ERROR, look)
    figure.draw_without_rendering()
    for axes in figure.axes[:3]:
        boxes = [text.get_window_extent() for text in axes.texts]
        boxes += [label.get_window_extent() for label in axes.get_yticklabels()]
        for place, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_other_quantities_are_refused():
    with pytest.raises(UsageError, match="none of valid loss, but of train loss, test error"):
        draw_barriers(barriers(), ("valid", "loss"))
    with pytest.raises(UsageError, match="none are known"):
        draw_barriers(Barriers(["a", "b"], [STRAIGHT]))


def test_the_height_of_a_barrier():
    t = np.linspace(0, 1, 5)
    assert height(t, 1 + t) == 0
    assert height(t, np.array([1, 0.5, 0.4, 0.5, 1.0])) == 0
    assert height(t, np.array([0, 3, 4, 3, 2.0])) == 3
