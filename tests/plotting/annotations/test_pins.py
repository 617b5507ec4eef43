"""Pins in 3-D boxes: marks on the surface, stems and feet, hollow where hidden."""

import numpy as np
import pytest

from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.scene3d.camera import Camera


def bowl(x, y):
    return 1 + 10 * (x**2 + y**2)


def lines(axes, gid):
    return [line for line in axes.get_lines() if line.get_gid() == gid]


@pytest.mark.parametrize("kind", ["surface", "relief"])
def test_the_centre_of_a_bowl_is_filled_from_above_and_hollow_from_the_side(make_panel, kind):
    panel = make_panel(bowl, x="-1:1:9", y="-1:1:9")
    for elevation, hidden in ((80, False), (10, True)):
        axes = draw([panel], kind, camera=Camera(0, elevation)).axes[0]
        seen = [line for line in lines(axes, "centre") if np.isfinite(line.get_data_3d()[2]).any()]
        hollow = [line for line in lines(axes, "hidden") if line.get_marker() == "o"]
        hollow = [line for line in hollow if line.get_data_3d()[2][0] == 1]
        assert (len(seen), len(hollow)) == ((0, 1) if hidden else (1, 0))
        if hidden:
            assert hollow[0].get_markerfacecolor() == "none"


def test_a_pin_stands_on_the_floor_of_a_relief(make_panel):
    panel = make_panel(bowl, x="-1:1:9", y="-1:1:9")
    axes = draw([panel], "relief", camera=Camera(0, 5)).axes[0]
    floor = axes.get_zlim()[0]
    assert floor < 1
    (stem,) = lines(axes, "stem-of-pin")
    x, y, z = stem.get_data_3d()
    assert (set(x), set(y)) == ({0}, {0})
    assert np.nanmin(z) == floor
    assert [line.get_data_3d()[2][0] for line in lines(axes, "foot")] == [floor]


def test_names_of_checkpoints_take_room_where_they_are_seen(make_panel):
    marks = [{"label": "a.pt", "coordinates": [20, 40], "residual": 0.0}]
    panel = make_panel(bowl, x="0:40:3", y="0:80:3", provenance={"checkpoints": marks})
    width, height = draw([panel], "surface").get_size_inches()
    assert 4 < width < 6
    assert 4 < height < 6


@pytest.mark.slow
def test_checkpoints_stand_on_the_surface_with_their_names(make_panel):
    marks = [{"label": "a.pt", "coordinates": [0.5, 0.0], "residual": 0.0}]
    panel = make_panel(bowl, x="-1:1:21", y="-1:1:21", provenance={"checkpoints": marks})
    axes = draw([panel], "surface", camera=Camera(0, 80)).axes[0]
    (mark,) = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert np.ravel(mark.get_data_3d()).tolist() == [0.5, 0, 3.5]
    assert [one.get_text().strip() for one in axes.texts if one.get_gid() == "checkpoint"] == [
        "a.pt"
    ]
