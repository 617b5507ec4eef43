"""Pictures of surfaces with repeats."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from builders import surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.panel import select_panels
from landscape_cli.plotting.text.description import directions
from landscape_cli.plotting.value_range import fit

TRAIN, TEST = ("train", "loss"), ("test", "loss")


@pytest.fixture
def repeated():
    """Return a function that makes a surface from the values of its repeats by quantity."""

    def make(values, y="0:1:2", status=None):
        first = np.asarray(next(iter(values.values())))
        x = f"0:{first.shape[-1] - 1}:{first.shape[-1]}"
        directions = {"x": {"label": "a"}, "repeat1/x": {"label": "b"}}
        return surface(
            values,
            *([x, y] if y else [x]),
            repeats=len(first),
            status=status,
            stderr=0.5,
            provenance={"directions": directions},
        )

    return make


def test_a_line_shows_the_mean_a_band_and_each_repeat(repeated, legend):
    surface = repeated({TRAIN: [[1, 2, 3], [1, 4, 7]], TEST: [[0, 0, 0], [0, 2, 0]]}, y=None)
    panels = select_panels(surface, None, None)
    (axes,) = draw(panels).axes
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}
    assert lines["train"] == [1, 3, 5]
    assert lines["test"] == [0, 1, 0]
    thin = [list(line.get_ydata()) for line in axes.get_lines() if line.get_label() == "_one"]
    assert thin == [[1, 2, 3], [1, 4, 7], [0, 0, 0], [0, 2, 0]]
    bands = [a for a in axes.collections if isinstance(a, PolyCollection)]
    (low, high), _ = [
        (band.get_paths()[0].get_extents().y0, band.get_paths()[0].get_extents().y1)
        for band in bands
    ]
    assert low == pytest.approx(1)
    assert high == pytest.approx(5 + np.sqrt(8))
    assert legend(axes) == ["train", "test", "mean ± std of 2 repeats", "each repeat"]
    assert axes.get_ylim()[1] > 5 + np.sqrt(8)


def test_limits_include_every_repeat(repeated):
    surface = repeated({TRAIN: [[1, 2], [1, 2], [1, 2], [1, 50]]}, y=None)
    assert fit(select_panels(surface, None, None)).high > 50
    log = fit(select_panels(surface, None, None), log=True)
    assert log.low < 1
    assert log.high > 50


def test_a_plane_has_a_panel_for_each_repeat_on_one_scale(repeated):
    surface = repeated({TRAIN: np.arange(12).reshape(3, 2, 2)})
    panels = select_panels(surface, None, None, "run.h5")
    assert [panel.z.tolist() for panel in panels] == surface.values[TRAIN].tolist()
    figure = draw(panels)
    *axes, bar = figure.axes
    assert len(axes) == 3
    assert bar.get_ylim() == (0, 11)
    assert [next(t.get_text() for t in a.texts) for a in axes] == [
        "repeat 0",
        "repeat 1",
        "repeat 2",
    ]
    assert any("(b) x: b" in text.get_text() for text in figure.texts)


def test_repeats_of_random_directions_are_described_once(repeated):
    surface = repeated({TRAIN: np.arange(12).reshape(3, 2, 2)})
    words = "random direction, filter-normalized (seed {}{})"
    named = {
        f"repeat{k}/{axis}" if k else axis: {
            "kind": "random",
            "label": words.format(seed, f", repeat {k}" if k else ""),
        }
        for axis, seed in (("x", 1), ("y", 2))
        for k in range(3)
    }
    surface = replace(surface, provenance={**surface.provenance, "directions": named})
    panels = select_panels(surface, None, None, "run.h5")
    note = " ".join(text.get_text() for text in draw(panels).texts).replace("\n", " ")
    both = "x, y: random directions, filter-normalized (seeds 1 and 2, {})"
    assert both.format("one plane for each repeat") in note
    (alone,) = select_panels(surface, None, None, "run.h5", repeat=2)
    assert directions(alone) == [both.format("repeat 2").removeprefix("x, y: ")]


def test_a_requested_repeat_is_shown_alone(repeated):
    surface = repeated({TRAIN: np.arange(8).reshape(2, 2, 2)})
    (panel,) = select_panels(surface, None, None, repeat=1)
    assert panel.z.tolist() == [[4, 5], [6, 7]]
    line = repeated({TRAIN: [[1, 2], [3, 4]], TEST: [[5, 6], [7, 8]]}, y=None)
    panels = select_panels(line, None, None, repeat=1)
    assert [panel.z.tolist() for panel in panels] == [[3, 4], [7, 8]]
    (axes,) = draw(panels).axes
    assert not [one for one in axes.get_lines() if one.get_label() == "_one"]


def test_points_that_are_non_finite_in_any_repeat_are_marked(repeated, crosses, legend):
    surface = repeated({TRAIN: [[1, np.nan, 3], [1, 2, 3]]}, y=None)
    (axes,) = draw(select_panels(surface, None, None)).axes
    assert {x for x, _ in crosses(axes)} == {1}
    assert "not finite (1 point)" in legend(axes)


def test_an_incomplete_surface_shows_the_level_complete_in_all_repeats(repeated):
    values = np.ones((2, 9, 9))
    status = np.zeros((2, 9, 9))
    status[:, ::2, ::2] = 1
    status[0] = 1
    surface = repeated({TRAIN: values}, y="0:1:9", status=status)
    for panel in select_panels(surface, None, None):
        assert panel.z.shape == (5, 5)
    line = repeated({TRAIN: values[:, 0]}, y=None, status=status[:, 0])
    (panel,) = select_panels(line, None, None)
    assert panel.x.tolist() == [0, 2, 4, 6, 8]
    assert [member.x.tolist() for member in panel.members] == [panel.x.tolist()] * 2
    (raw,) = select_panels(line, None, None, raw=True)
    assert raw.missing.sum() == 4


@pytest.mark.parametrize("repeat", [-1, 2])
def test_missing_repeats_are_refused(repeated, make_surface, repeat):
    surface = repeated({TRAIN: np.ones((2, 2, 2))})
    with pytest.raises(
        UsageError, match=f"--repeat {repeat}: a.h5 has 2 repeats; choose one from 0"
    ):
        select_panels(surface, None, None, "a.h5", repeat=repeat)
    with pytest.raises(UsageError, match=f"--repeat {repeat}: a.h5 has no repeats; leave"):
        select_panels(make_surface(np.ones((5, 5))), None, None, "a.h5", repeat=repeat)


def test_more_planes_than_fit_in_a_figure_are_refused(repeated):
    surface = repeated({TRAIN: np.ones((37, 2, 2))})
    with pytest.raises(UsageError, match="a.h5 has 37 repeats, more planes than the 36 .*--repeat"):
        select_panels(surface, None, None, "a.h5")
    assert len(select_panels(surface, None, None, repeat=36)) == 1
    assert len(select_panels(repeated({TRAIN: np.ones((37, 2))}, y=None), None, None)) == 1
