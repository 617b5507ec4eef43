import numpy as np

from landscape_cli.records.grid import Axis, Grid
from landscape_cli.records.surface import Surface
from landscape_cli.records.tiles import Status


def test_a_level_is_complete_if_it_is_in_every_repeat():
    status = np.zeros((2, 9), np.uint8)
    surface = Surface(Grid({"x": Axis(0, 1, 9)}, 2), {}, {}, status, status, status)
    status[0] = 1
    assert surface.level is None
    status[1, ::2] = 2
    assert surface.level["x"].tolist() == [0, 2, 4, 6, 8]
    status[1] = 1
    assert surface.level["x"].tolist() == list(range(9))


def test_a_summary_gives_the_place_of_the_minimum():
    grid = Grid({"x": Axis(-1, 1, 3), "y": Axis(-2, 2, 2)})
    loss = np.array([[5.0, np.nan, 2.0], [np.inf, 1.5, 7.0]])
    status = np.array([[1, 2, 1], [2, 1, 0]], np.uint8)
    surface = Surface(
        grid, {("train", "loss"): loss}, {}, status, np.zeros((2, 3)), np.zeros((2, 3))
    )
    summary = surface.summary()
    assert (summary["done"], summary["total"], summary["complete"]) == (5, 6, False)
    assert summary["not_finite"] == 2
    assert summary["level"] is None
    found = summary["quantities"]["train"]["loss"]
    assert found["minimum"] == 1.5
    assert found["minimum_at"] == [0, 2]
    assert found["maximum"] == 7
    assert np.isnan(found["centre"])


def test_a_summary_gives_the_finest_complete_level():
    grid = Grid({"x": Axis(-1, 1, 17), "y": Axis(0, 0, 1)})
    status = np.zeros((1, 17), np.uint8)
    surface = Surface(grid, {}, {}, status, status, status)
    for done, level in [
        ([0, 4, 8, 12], None),
        ([16, 1], {"x": 5, "y": 1}),
        ([2, 6, 10, 14], {"x": 9, "y": 1}),
        (range(17), {"x": 17, "y": 1}),
    ]:
        status[0, done] = Status.NOT_FINITE if 4 in done else Status.OK
        assert surface.summary()["level"] == level
    assert surface.level["x"].tolist() == list(range(17))
