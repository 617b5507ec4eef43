"""Ticks along the floor of rendered surfaces."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from landscape_cli.plotting.kinds.render import TARGET
from landscape_cli.plotting.scene3d.camera import Camera, eye_of, frame_of
from landscape_cli.plotting.scene3d.floor_axes import TICK_LENGTH, draw_floor_axes
from landscape_cli.plotting.scene3d.terrain import FLOOR, terrain_of
from landscape_cli.plotting.value_range import fit
from support.measuring import faults

MINUS = "\N{MINUS SIGN}"
MILLI = ["0.013", "0.014", "0.015", "0.016", "0.017"]


def floor(panel, camera, width):
    """Draw the axes of a panel's floor; return figure, terrain, eye, and the frame."""
    figure = Figure((width, width))
    axes = figure.add_axes((0.15, 0.15, 0.7, 0.7))
    terrain, eye = terrain_of(panel, fit([panel]), camera), eye_of(camera, TARGET)
    frame = frame_of(camera, terrain.corners - TARGET)
    axes.set(xlim=(frame.left, frame.right), ylim=(frame.bottom, frame.top))
    axes.set_axis_off()
    draw_floor_axes(axes, terrain, eye, frame)
    return figure, terrain, eye, frame


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ("-3.352:20.11:5", "-1.175:7.047:5", (["0", "5", "10", "15", "20"], ["0", "2", "4", "6"])),
        ("-1:1:5", "0.013:0.0171:5", (["-1", "-0.5", "0", "0.5", "1"], MILLI)),
    ],
)
def test_ticks_are_round_numbers_at_their_places(make_panel, x, y, expected):
    figure, terrain, eye, frame = floor(make_panel(np.eye(5), x=x, y=y), Camera(), 5)
    (axes,) = figure.axes
    found = [text.get_text().replace(MINUS, "-") for text in axes.texts]
    for name, texts in zip("xy", expected, strict=True):
        end = found.index(name)
        assert found[end - len(texts) : end] == texts
    starts = [line.get_xydata()[0] for line in axes.lines]
    low = terrain.place(terrain.limits[0][0], terrain.limits[1][0])[1]
    places = [terrain.place(float(text), 0.0)[0] for text in expected[0]]
    wanted = [eye.project(np.array([at, low, FLOOR]))[:2] for at in places]
    np.testing.assert_allclose(starts[: len(wanted)], wanted, atol=1e-9)
    lengths = [np.hypot(*np.diff(line.get_xydata(), axis=0)[0]) for line in axes.lines]
    np.testing.assert_allclose(lengths, TICK_LENGTH * min(frame.width, frame.height))


@pytest.mark.parametrize("azimuth", [-58, -2, 45, 90])
@pytest.mark.parametrize("width", [1.5, 5])
def test_labels_of_the_floor_do_not_overlap(make_panel, azimuth, width):
    panel = make_panel(np.eye(5), x="-3.352:20.11:5", y="-1.175:7.047:5")
    figure, *_ = floor(panel, Camera(azimuth, 12), width)
    for _ in range(2):  # labels that are hidden when it is first drawn stay hidden
        wrong, _ = faults(figure, "paper")
        assert not [fault for fault in wrong if "overlaps" in fault]
    (axes,) = figure.axes
    assert sum(text.get_visible() for text in axes.texts) >= 5
    ticks = [line.get_visible() for line in axes.lines]
    assert ticks == [text.get_visible() for text in axes.texts if text.get_text() not in "xy"]


def test_one_of_two_labels_at_a_corner_is_left_out(make_panel):
    figure, *_ = floor(make_panel(np.eye(5)), Camera(), 4)
    for _ in range(2):
        faults(figure, "paper")
    found = [text.get_text().replace(MINUS, "-") for text in figure.axes[0].texts]
    shown = [text.get_visible() for text in figure.axes[0].texts]
    hidden = [name for name, seen in zip(found, shown, strict=True) if not seen]
    assert hidden == ["-1"]
