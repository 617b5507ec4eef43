import numpy as np
from matplotlib.text import Text

from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.text.description import describe
from landscape_cli.plotting.value_range import fit

LABEL = "random direction, filter-normalized (seed {})"


def facts(name, samples=384):
    return {
        "network": {"name": name},
        "splits": {"train": {"samples": samples}, "test": {"samples": 128}},
        "directions": {"x": {"label": LABEL.format(1)}, "y": {"label": LABEL.format(2)}},
        "batch_norm": "frozen",
    }


def slope(x, y):
    return 10.0 * (x + 1)


def test_a_description_of_one_plane_states_all_facts(make_panel):
    panel = make_panel(slope, provenance=facts("ResNet"))
    assert describe([panel], fit([panel], vmax=10)) == (
        "Train loss of ResNet: 5 x 5 points, x and y from -1 to 1; random directions, "
        "filter-normalized (seeds 1 and 2); batch norm frozen; means over 384 train samples. "
        "The loss ranges from 0 to 20; 40.0 % lie above 10."
    )


def test_facts_shared_by_two_planes_are_stated_once(make_panel):
    one = make_panel(slope, provenance=facts("A"), source="a.h5")
    two = make_panel(slope, provenance=facts("B", 1000), source="b.h5")
    text = describe([one, two], fit([one, two]))
    assert text.startswith(
        "Train loss of A (means over 384 train samples) and B (means over 1,000 train samples): "
        "5 x 5 points"
    )
    assert text.count("filter-normalized") == 1


def test_unknown_facts_are_omitted(make_panel):
    values = np.ones((3, 5))
    values[0, 0] = np.inf
    status = np.ones((3, 5))
    status[0, 0], status[2] = 2, 0
    panel = make_panel(values, x="0:2:5", y="-1:1:3", status=status)
    assert describe([panel], fit([panel])) == (
        "Train loss of run.h5: 5 x 3 points, x from 0 to 2, y from -1 to 1, 5 of them not "
        "computed. The loss ranges from 1 to 1; 1 point not finite."
    )


def test_a_caption_stands_below_the_picture(make_panel):
    figure = draw([make_panel(slope)], text="what this is " * 20)
    figure.draw_without_rendering()
    (text,) = [t for t in figure.findobj(Text) if t.get_text().startswith("what this")]
    box, axes = text.get_window_extent(), figure.axes[0].get_tightbbox()
    assert box.y1 <= axes.y0
    assert box.x1 <= figure.bbox.x1
    assert text.get_text().count("\n") >= 1
