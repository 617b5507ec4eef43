"""Merge trees and persistence diagrams, as they are drawn."""

import numpy as np
import pytest

import landscape_cli as landscape
from builders import surface
from landscape_cli.errors import UsageError
from landscape_cli.plotting.figure_size import Size, size_of
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.request import Request
from landscape_cli.plotting.topology import TOPOLOGY_KINDS
from landscape_cli.plotting.topology.figure import (
    describe_topology,
    draw_topology,
    topology_panels,
)
from landscape_cli.records.levels import axis_levels
from landscape_cli.records.tiles import Status
from support.measuring import SIZES, assert_fits

LINE = [9.0, 0, 5, 1, 3, 2, 9]
"""A line with minima 0, 1 and 2; that at 2 ends at 3, and that at 1 at 5."""


def line(values=LINE, **more):
    return surface(values, f"0:{len(values) - 1}:{len(values)}", **more)


def figure_of(*surfaces, kind="merge-tree", page=None, **options):
    request = Request(kind, **options)
    panels = topology_panels(request, surfaces, [f"{n}.h5" for n in range(len(surfaces))])
    return draw_topology(panels, request, page or Page())


def marks(axes, gid="counted"):
    (found,) = [each for each in axes.get_lines() if each.get_gid() == gid]
    return np.column_stack(found.get_data()).tolist()


def test_a_merge_tree_joins_each_minimum_to_the_one_that_lives_on():
    axes = figure_of(line()).axes[0]
    # From left to right: the lowest, then what joins it, each followed by what joins that.
    assert marks(axes) == [[0, 0], [1, 1], [2, 2]]
    upright = [each for each in axes.get_lines() if each.get_gid() == "branch"]
    ends = [each.get_ydata()[1] for each in upright]
    assert ends == [axes.get_ylim()[1], 5, 3]
    level = [each.get_data() for each in axes.get_lines() if each.get_zorder() == 2]
    level = [(list(x), list(y)) for x, y in level if x[0] != x[1]]
    assert level == [([0, 1], [5, 5]), ([1, 2], [3, 3])]
    assert [t.get_text() for t in axes.texts if t.get_gid() == "number"] == ["1", "2", "3"]
    assert axes.get_xlabel() == "3 minima, numbered by persistence"
    assert axes.get_ylabel() == "train loss"


@pytest.mark.slow
def test_lines_of_a_merge_tree_never_cross():
    rng = np.random.default_rng(0)
    for _ in range(20):
        axes = figure_of(line(rng.normal(size=60)), persistence=0.0).axes[0]
        drawn = [np.array(each.get_data()) for each in axes.get_lines() if each.get_zorder() == 2]
        upright = [each for each in drawn if each[0, 0] == each[0, 1]]
        level = [each for each in drawn if each[0, 0] != each[0, 1]]
        assert len(upright) == len(level) + 1 > 5
        for (left, right), (height, _) in level:
            for (x, _), (low, high) in upright:
                assert not (left < x < right and low < height < high)


def test_a_persistence_diagram_has_saddle_against_minimum():
    axes = figure_of(line(), kind="persistence").axes[0]
    assert marks(axes) == [[0, axes.get_ylim()[1]], [1, 5], [2, 3]]
    axes = figure_of(line(), kind="persistence", persistence=0.2).axes[0]
    assert marks(axes)[1:] == [[1, 5]]
    assert marks(axes, "others") == [[2, 3]]
    dashed = next(each for each in axes.get_lines() if each.get_linestyle() == "--")
    np.testing.assert_allclose(np.subtract(*dashed.get_data()[::-1]), 0.2 * 9)
    assert axes.get_xlim() == axes.get_ylim()


def test_a_number_is_on_the_side_away_from_the_nearest_mark():
    # Minima 0, 2.4 and 2.5; those at 2.4 and 2.5 end at 6 and 5.
    axes = figure_of(line([9, 0, 6, 2.4, 5, 2.5, 9]), kind="persistence").axes[0]
    numbers = [text for text in axes.texts if text.get_gid() == "number"]
    sides = {text.get_text(): np.sign(text.get_position()[0]) for text in numbers}
    assert [mark[0] for mark in marks(axes)] == [0, 2.4, 2.5]
    assert sides == {"1": -1, "2": -1, "3": 1}


def test_maxima_of_accuracy_hang_upside_down():
    values = {("train", "accuracy"): 1 - np.array(LINE) / 10}
    found = surface(values, "0:6:7")
    axes = figure_of(found).axes[0]
    assert [place[1] for place in marks(axes)] == pytest.approx([100, 90, 80])
    assert axes.get_xlabel() == "3 maxima, numbered by persistence"
    diagram = figure_of(found, kind="persistence").axes[0]
    assert [place[1] for place in marks(diagram)[1:]] == pytest.approx([50, 70])
    assert marks(diagram)[0][1] == diagram.get_ylim()[0]


@pytest.mark.parametrize("kind", TOPOLOGY_KINDS)
def test_values_over_many_decades_are_on_a_logarithmic_scale(kind):
    axes = figure_of(line([1e3, 1e-3, 10, 1e-2, 900]), kind=kind).axes[0]
    assert axes.get_yscale() == "log"
    assert figure_of(line([1e3, 1e-3, 10, 1e-2, 900]), kind=kind, log=False).axes[
        0
    ].get_yscale() == ("linear")


@pytest.mark.parametrize("kind", TOPOLOGY_KINDS)
def test_surfaces_of_every_dimension_share_a_scale(kind):
    def wells(x, y=0.0, z=0.0):
        return (x**2 - 1) ** 2 + y**2 + z**2

    every = [
        surface(wells, *axes)
        for axes in (
            ("-1.5:1.5:25",),
            ("-1.5:1.5:25", "-1:1:5"),
            ("-1.5:1.5:13", "-1:1:3", "-1:1:3"),
        )
    ]
    drawn = figure_of(*every, kind=kind)
    assert [len(marks(axes)) for axes in drawn.axes] == [2, 2, 2]
    assert len({axes.get_ylim() for axes in drawn.axes}) == 1
    assert [axes.get_title() for axes in drawn.axes] == ["0", "1", "2"]


def test_repeats_and_splits_of_a_line_are_drawn_apart():
    values = np.array([LINE, LINE[::-1], [9, 8, 7, 6, 5, 4, 3]], dtype=float)
    both = {("train", "loss"): values, ("test", "loss"): 2 * values}
    drawn = figure_of(surface(both, "0:6:7", repeats=3))
    assert [len(marks(axes)) for axes in drawn.axes] == [3, 3, 1, 3, 3, 1]
    only = figure_of(surface(both, "0:6:7", repeats=3), repeat=2, split="test")
    assert [len(marks(axes)) for axes in only.axes] == [1]


def test_an_incomplete_surface_shows_its_finest_complete_level():
    status = np.full((9, 9), Status.TODO)
    status[::2, ::2] = Status.OK
    status[1, 1] = Status.OK
    values = np.add.outer(np.arange(9.0), np.arange(9.0))
    values[1, 1] = -5
    axes = figure_of(surface(values, "-1:1:9", "-1:1:9", status=status)).axes[0]
    assert marks(axes) == [[0, 0]]


def test_an_incomplete_line_shows_its_finest_complete_level_too():
    status = np.full(25, Status.TODO)
    status[axis_levels(25)[0]] = Status.OK  # every fourth point
    status[3] = Status.OK
    values = np.array([9.0] * 25)
    values[[3, 8]] = -5, 1
    assert marks(figure_of(line(values, status=status)).axes[0]) == [[0, 1]]
    both = np.stack([values, values])
    repeats = surface(both, "0:24:25", repeats=2, status=np.stack([status, np.full(25, Status.OK)]))
    assert [marks(axes) for axes in figure_of(repeats).axes] == [[[0, 1]], [[0, 1]]]


def test_without_a_complete_level_there_are_no_minima():
    status = np.full((9, 9), Status.OK)
    status[0, 0] = Status.TODO
    partly = surface(np.ones((9, 9)), "-1:1:9", "-1:1:9", status=status)
    message = "0.h5: minima are those of a complete level of the grid; compute more points"
    with pytest.raises(UsageError, match=message):
        figure_of(partly)
    request = Request(basins=True)
    with pytest.raises(UsageError, match=message):
        request.picture(request.panels([partly], ["0.h5"]))
    status[0, 0], status[1, 1] = Status.OK, Status.TODO
    partly = surface(np.ones((9, 9)), "-1:1:9", "-1:1:9", status=status)
    assert request.picture(request.panels([partly], ["0.h5"])).panels[0].layers
    raw = Request(basins=True, raw=True)
    with pytest.raises(UsageError, match="leave --raw out"):
        raw.picture(raw.panels([partly], ["0.h5"]))


@pytest.mark.parametrize("kind", TOPOLOGY_KINDS)
def test_noise_is_drawn_without_numbers(kind):
    rng = np.random.default_rng(1)
    noise = surface(rng.normal(size=(61, 61)), "-1:1:61", "-1:1:61")
    axes = figure_of(noise, kind=kind).axes[0]
    assert len(marks(axes)) > 100
    assert not [t for t in axes.texts if t.get_gid() == "number"]


def test_the_caption_describes_values_and_what_counts():
    request = Request("persistence", neighbours=2)
    panels = topology_panels(request, [line(stderr=0.1), line()], ["a.h5", "b.h5"])
    text = describe_topology(panels, request)
    assert text.startswith("Persistence diagram: the value at the saddle of each minimum against ")
    assert "The loss ranges from 0 to 9." in text
    assert text.endswith(
        "3 and 3 minima of persistence at least 1 % of the range and 4 standard errors (2 "
        "neighbours)."
    )


def test_a_surface_without_a_finite_value_is_refused():
    with pytest.raises(UsageError, match=r"0.h5: none of the 7 points computed has a finite"):
        figure_of(line([np.nan] * 7))


def test_the_public_function_draws_them():
    drawn = landscape.plot(
        line(), "merge-tree", title="T", caption=True, size="4x3", persistence=0.2
    )
    assert len(marks(drawn.axes[0])) == 2
    assert drawn.get_suptitle() == "T"
    assert "Merge tree" in drawn.get_supxlabel().replace("\n", " ")
    with pytest.raises(UsageError, match="--quiver: does not apply to --kind merge-tree; leave"):
        landscape.plot(line(), "merge-tree", quiver=True)
    with pytest.raises(UsageError, match="--azimuth, .*: do not apply to --kind persistence"):
        landscape.plot(line(), "persistence", camera=(0, 0))
    with pytest.raises(UsageError, match="--quantity is given 2 times"):
        landscape.plot(line(), "merge-tree", quantity=["loss", "accuracy"])


def test_no_minimum_is_drawn_that_errors_of_interpolation_could_make():
    entry = {"split": "train", "quantity": "loss", "error": 0.3, "scale": "linear"}
    found = line(provenance={"adaptive": {"held_out": 3, "quantities": [entry]}})
    assert [place[1] for place in marks(figure_of(found).axes[0])] == [0, 1]
    request = Request("merge-tree")
    assert "at least 30 % of the range" in describe_topology(
        topology_panels(request, [found], ["a.h5"]), request
    )


def test_numbers_of_minima_are_clear_of_the_text_below():
    figure = figure_of(line(), page=Page(size=Size(4.0, 2.0)))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    below = axes.xaxis.label.get_window_extent()
    for number in (text for text in axes.texts if text.get_gid() == "number"):
        assert not number.get_window_extent().overlaps(below)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TOPOLOGY_KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_texts_and_panels_fit(kind, size):
    facts = [{"network": {"name": name}} for name in ("ResNet-56", "ResNet-56, no shortcuts")]
    made = [line(provenance=each) for each in facts]
    for surfaces in (made[:1], made):
        assert_fits(figure_of(*surfaces, kind=kind, page=Page(size=size and size_of(size))))


@pytest.mark.parametrize(("count", "columns"), [(2, 2), (3, 3), (4, 2), (5, 3)])
def test_several_panels_are_as_wide_as_a_page(count, columns):
    figure = figure_of(*[line()] * count)
    assert figure.get_figwidth() == pytest.approx(7.1)
    lefts = {round(axes.get_position().x0, 3) for axes in figure.axes}
    assert len(lefts) == columns
    assert min(axes.get_position().width for axes in figure.axes) * 7.1 > 1.6
    assert_fits(figure)
