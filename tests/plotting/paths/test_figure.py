"""Pictures of trajectory files show the paths' numbers."""

import math
from dataclasses import replace
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pytest

from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure_size import size_of
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.paths import PATH_KINDS
from landscape_cli.plotting.paths.figure import describe_paths, draw_paths
from landscape_cli.plotting.style import STYLES
from landscape_cli.records.dynamics.path_lengths import PathLengths
from landscape_cli.records.trajectory import Trajectory
from support.measuring import SIZES, assert_fits


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def path(name="", epochs=True, count=5):
    """Return a path whose k-th step has length k + 1, and turns by 90 degrees."""
    steps = np.arange(1.0, count)
    return Trajectory(
        np.zeros((count, 2)),
        np.zeros(count),
        tuple(f"e{number}" for number in range(count)),
        epochs=tuple(range(10, 10 + count)) if epochs else None,
        learning_rates=(0.1,) * 3 + (0.01,) * (count - 3),
        name=name,
        values={
            ("train", "loss"): np.logspace(1, -4, count),
            ("test", "accuracy"): np.linspace(0, 1, count),
        },
        lengths=PathLengths(
            np.append(0, steps.cumsum()),
            steps.sum() - np.append(0, steps.cumsum()),
            steps,
            np.zeros(count - 2),
        ),
        descent=np.linspace(1, -1, count - 1),
        parameters=100,
    )


def curves(axes):
    return {
        line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist())
        for line in axes.get_lines()
        if len(line.get_xdata()) > 2
    }


def test_four_panels_show_distances_steps_and_turns():
    figure = draw_paths([path("sgd"), path("adam", count=7)], ["a.h5", "a.h5"])
    start, end, steps, turns = figure.axes
    assert curves(start)["sgd"] == ([10, 11, 12, 13, 14], [0, 1, 3, 6, 10])
    assert curves(end)["sgd"] == ([10, 11, 12, 13, 14], [10, 9, 7, 4, 0])
    assert curves(steps)["sgd"] == ([11, 12, 13, 14], [1, 2, 3, 4])
    assert curves(turns)["sgd"][0] == [11, 12, 13]
    np.testing.assert_allclose(curves(turns)["sgd"][1], 90)
    assert len(curves(start)["adam"][0]) == 7
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "sgd",
        "adam",
        "learning rate falls",
        "independent steps",
    ]
    assert {axes.get_xlabel() for axes in figure.axes} == {"epoch"}


def test_without_epochs_of_all_the_checkpoints_are_counted():
    figure = draw_paths([path("a"), path("b", epochs=False)], ["x.h5", "x.h5"])
    assert curves(figure.axes[0])["a"][0] == [0, 1, 2, 3, 4]
    assert figure.axes[0].get_xlabel() == "checkpoint"


def test_several_checkpoints_of_an_epoch_are_counted():
    figure = draw_paths([replace(path("a"), epochs=(0, 0, 1, 1, 2))], ["x.h5"])
    assert curves(figure.axes[0])["a"][0] == [0, 1, 2, 3, 4]


def test_a_single_training_has_no_name_in_the_legend_and_drops_are_dotted():
    figure = draw_paths([path()], ["x.h5"])
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == ["learning rate falls", "independent steps"]
    steady = replace(path(), learning_rates=None)
    assert not draw_paths([steady], ["x.h5"], "losses").legends
    for axes in figure.axes:
        (drop,) = [line for line in axes.get_lines() if list(line.get_xdata()) == [12, 12]]
        assert drop.get_linestyle() == "--"


def test_losses_have_a_panel_for_each_quantity_and_suitable_scales():
    figure = draw_paths([path("a")], ["x.h5"], "losses")
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("train loss", "test accuracy (%)")
    assert (loss.get_yscale(), accuracy.get_yscale()) == ("log", "linear")
    assert curves(accuracy)["a"][1] == [0, 25, 50, 75, 100]


def test_losses_that_are_not_finite_are_crosses_at_the_edge():
    values = {("train", "loss"): np.array([1.0, math.inf, math.nan, 2.0, 3.0])}
    figure = draw_paths([replace(path(), values=values)], ["x.h5"], "losses")
    (cross,) = [line for line in figure.axes[0].get_lines() if line.get_marker() == "x"]
    assert (cross.get_xdata().tolist(), cross.get_ydata().tolist()) == ([11], [1])


def test_cosines_of_the_descent_with_what_is_random():
    figure = draw_paths([path("a")], ["x.h5"], "descent", Page(caption=True))
    (axes,) = figure.axes
    np.testing.assert_allclose(curves(axes)["a"], [[11, 12, 13, 14], np.linspace(1, -1, 4)])
    (band,) = [one for one in axes.patches if one.get_gid() == "random"]
    assert band.get_height() == pytest.approx(2 * 0.0799, rel=2e-3)
    text = describe_paths([path("a")], ["x.h5"], "descent")
    assert text == (
        "a: 5 checkpoints; lr 0.1: mean cosine 0.667 \N{PLUS-MINUS SIGN} 0.3, lr 0.01: mean cosine "
        "-0.667 \N{PLUS-MINUS SIGN} 0.3; a random step has a mean |cosine| of 0.08. Dotted: the "
        "learning rate falls."
    )


@pytest.mark.parametrize(("kind", "look"), list(zip(PATH_KINDS, cycle(STYLES), strict=False)))
def test_every_kind_has_styles_captions_and_odd_names(kind, look, tmp_path):
    figure = draw_paths(
        [path("$a_b$"), path("<b>")], ["x.h5"] * 2, kind, Page(style=look, caption=True)
    )
    figure.savefig(tmp_path / "picture.png")
    assert "$a_b$: 5 checkpoints" in describe_paths([path("$a_b$")], ["x.h5"], kind)


@pytest.mark.parametrize(
    ("kind", "missing", "words"),
    [
        ("lengths", {"lengths": None}, "--kind lengths: x.h5 sgd has no lengths"),
        ("losses", {"values": {}}, "compute them with landscape trajectory --losses"),
        ("descent", {"descent": None}, "compute them with landscape trajectory --gradients"),
    ],
)
def test_what_a_path_lacks_is_said(kind, missing, words):
    with pytest.raises(UsageError) as error:
        draw_paths([replace(path("sgd"), **missing)], ["x.h5"], kind)
    assert words in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("kind", PATH_KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_texts_and_panels_fit(kind, size):
    for paths in ([path()], [path("sgd"), path("adam", count=7)]):
        figure = draw_paths(paths, ["a.h5"] * len(paths), kind, Page(size=size and size_of(size)))
        assert_fits(figure)
