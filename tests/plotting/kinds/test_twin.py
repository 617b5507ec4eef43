import numpy as np
import pytest
from matplotlib.colors import to_hex

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.style import SERIES

BLUE, RED = SERIES[0][0], SERIES[1][0]


@pytest.fixture
def line(make_surface):
    """A line with two quantities of two splits."""
    accuracies = {("train", "accuracy"): [0.5, 1, 0.25], ("test", "accuracy"): [0.4, 0.8, 0.2]}
    losses = {("train", "loss"): [3, 1, 2], ("test", "loss"): [4, 2, 3]}
    return make_surface(losses | accuracies, x="-1:1:3", y=None)


@pytest.fixture
def both(line):
    request = Request(twin="accuracy")
    picture = request.picture(request.panels([line], ["a"]), request.twins([line], ["a"]))
    return picture, draw(picture.panels, picture.kind, picture.scale, twin=picture.twin)


def curves(axes):
    return {c.get_label(): c for c in axes.get_lines() if not c.get_label().startswith("_")}


def test_each_quantity_has_its_own_axis_and_colour(both):
    left, right = both[1].axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("loss", "accuracy (%)")
    assert right.yaxis.get_label_position() == "right"
    assert left.yaxis.label.get_color() == BLUE
    assert right.yaxis.label.get_color() == RED
    for axes, color, name in ((left, BLUE, "loss"), (right, RED, "accuracy")):
        found = curves(axes)
        assert set(found) == {f"train {name}", f"test {name}"}
        assert {to_hex(c.get_color()) for c in found.values()} == {color}
        assert [c.get_linestyle() for c in found.values()] == ["-", "--"]
    assert curves(right)["test accuracy"].get_ydata() == pytest.approx([40, 80, 20])


def test_each_axis_has_its_own_limits(both):
    left, right = both[1].axes
    assert left.get_ylim() == pytest.approx((0.85, 4.15))
    assert right.get_ylim() == pytest.approx((16, 104))


def test_one_legend_has_all_curves(both, legend):
    left, _ = both[1].axes
    assert legend(left) == ["train loss", "test loss", "train accuracy", "test accuracy"]
    assert len(both[1].legends) == 1


def test_the_caption_names_the_left_and_right_quantities(both):
    assert both[0].caption == (
        "Loss (left) and accuracy in percent (right) of a: 3 points, x from -1 to 1. The loss "
        "ranges from 1 to 4. The accuracy ranges from 20 to 100."
    )


def test_unsuitable_second_axes_are_refused(line, make_surface):
    plane = make_surface({("train", "loss"): np.ones((5, 5)), ("train", "f"): np.ones((5, 5))})
    for surface, twin, words in (
        (plane, "f", "--twin f: a is not a line"),
        (line, "loss", "--twin loss: already drawn"),
        (line, "recall", "--quantity 'recall': a has loss, accuracy"),
    ):
        request = Request(twin=twin)
        with pytest.raises(UsageError, match=words):
            request.picture(request.panels([surface], ["a"]), request.twins([surface], ["a"]))
