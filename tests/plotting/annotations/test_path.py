"""Paths and checkpoints over planes and lines."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb, to_rgba

from landscape_cli.errors import StoreError, UsageError
from landscape_cli.plotting.annotations.overlay import overlay, overlay_more, path_notes
from landscape_cli.plotting.annotations.path import APART, epochs_to_write
from landscape_cli.plotting.annotations.text_placement import FreeSpace
from landscape_cli.plotting.figure import draw
from landscape_cli.plotting.figure_size import size_of
from landscape_cli.plotting.scene3d.camera import Camera
from landscape_cli.records.trajectory import Trajectory
from support.measuring import SIZES, assert_fits, faults

SLOW = pytest.mark.slow
FLAT = ("contour", "contourf", "heatmap")
STEPS = (0.1,) * 10 + (0.01,) * 5 + (0.001,) * 6


def trajectory(count=21, rates=STEPS, epochs=True, scale=0.9, explained=(0.7, 0.2)):
    """Return a path along a parabola from (scale, scale) to the origin."""
    steps = np.linspace(scale, 0, count)
    return Trajectory(
        coordinates=np.stack([steps, steps**2 / scale], axis=1),
        residuals=np.zeros(count),
        labels=tuple(map(str, range(count))),
        epochs=tuple(range(count)) if epochs else None,
        learning_rates=rates,
        explained=explained,
    )


def marker(label, *coordinates):
    return {"label": label, "path": label, "coordinates": list(coordinates), "residual": 0.0}


def bowl(x, y):
    return 1 + 10 * (x**2 + y**2)


@pytest.fixture
def panel_with(make_panel):
    def make(path=None, markers=(), kind="file", **axes):
        provenance = {
            "checkpoints": list(markers),
            "trajectory": path and path.as_mapping(),
            "directions": {axis: {"kind": kind, "label": "a direction"} for axis in "xy"},
        }
        return make_panel(bowl, provenance=provenance, **axes)

    return make


def only(axes, gid):
    (line,) = [line for line in axes.get_lines() if line.get_gid() == gid]
    return line


def texts(axes, gid):
    return {text.get_text(): text for text in axes.texts if text.get_gid() == gid}


@pytest.mark.parametrize("kind", FLAT)
def test_a_path_is_drawn_at_its_coordinates_without_changing_the_limits(panel_with, legend, kind):
    path = trajectory(scale=3)
    bare = draw([panel_with()], kind).axes[0]
    axes = draw([panel_with(path)], kind).axes[0]
    np.testing.assert_array_equal(only(axes, "trajectory").get_xydata(), path.coordinates)
    assert axes.get_xlim() == bare.get_xlim()
    assert axes.get_ylim() == bare.get_ylim()
    assert legend(axes) == ["21 checkpoints (by epoch)", "lr falls after 9, 14", "first", "last"]
    assert only(axes, "trajectory").get_path_effects()


def test_ends_and_learning_rate_drops_have_marks(panel_with):
    axes = draw([panel_with(trajectory())], "contourf").axes[0]
    places = {line.get_label(): line.get_xydata() for line in axes.get_lines()}
    np.testing.assert_allclose(places["first"], [[0.9, 0.9]])
    np.testing.assert_allclose(places["last"], [[0, 0]])
    np.testing.assert_allclose(places["lr falls after 9, 14"][:, 0], [0.9 * 11 / 20, 0.9 * 6 / 20])


def test_axis_labels_state_the_explained_variance(panel_with):
    axes = draw([panel_with(trajectory())]).axes[0]
    assert axes.get_xlabel() == "PCA 1: 70.0 % of variance"
    assert axes.get_ylabel() == "PCA 2: 20.0 % of variance"
    for path, kind in ((trajectory(explained=None), "file"), (trajectory(), "random")):
        axes = draw([panel_with(path, kind=kind)]).axes[0]
        assert axes.get_xlabel() == "x: a direction"


def test_an_axis_along_the_second_component_is_labelled_by_it(make_panel):
    provenance = {
        "trajectory": trajectory().as_mapping(),
        "directions": {"x": {"kind": "file", "axis": "y"}, "y": {"kind": "file", "axis": "x"}},
    }
    axes = draw([make_panel(bowl, provenance=provenance)]).axes[0]
    assert axes.get_xlabel() == "PCA 2: 20.0 % of variance"


@pytest.mark.parametrize("kind", FLAT)
def test_epoch_labels_are_sparse_and_do_not_overlap(panel_with, kind):
    path = trajectory(200, rates=None, scale=0.9)
    figure = draw([panel_with(path)], kind)
    figure.draw_without_rendering()
    written = texts(figure.axes[0], "epoch")
    assert {"0", "199"} <= set(written)
    assert 5 <= len(written) <= 14
    boxes = [text.get_window_extent() for text in written.values()]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:place])


@pytest.mark.parametrize("kind", [*FLAT, "surface", "relief"])
def test_two_paths_are_drawn_with_a_legend(panel_with, legend, kind):
    paths = [
        replace(trajectory(rates=None), name="sgd"),
        replace(trajectory(9, rates=None, epochs=False, scale=-0.5), name="adam"),
    ]
    panel = panel_with(paths[0], x="-1:1:41", y="-1:1:41")
    panel = replace(panel, surface=overlay_more(panel.surface, paths[1], "b.h5", "a.h5"))
    axes = draw([panel], kind).axes[0]
    lines = [line for line in axes.get_lines() if line.get_gid() == "trajectory"]
    ends = [
        np.array(line.get_data_3d() if axes.name == "3d" else line.get_data())[:2, [0, -1]].T
        for line in lines
    ]
    np.testing.assert_allclose(ends, [path.coordinates[[0, -1]] for path in paths])
    assert len({to_rgb(line.get_color()) for line in lines}) == 2
    suffix = " (by epoch)" if kind in FLAT else ""
    assert sorted(legend(axes)) == [
        *("adam: 9 checkpoints", "first", "last", f"sgd: 21 checkpoints{suffix}")
    ]


def test_paths_outside_the_grid_are_named(panel_with):
    panel = panel_with(replace(trajectory(scale=3), name="sgd"))
    more = replace(trajectory(scale=5), name="adam")
    panel = replace(panel, surface=overlay_more(panel.surface, more, "b.h5", "a.h5"))
    assert [note.partition(" lie")[0] for note in path_notes([panel])] == [
        "14 of 21 checkpoints of the trajectory sgd",
        "16 of 21 checkpoints of the trajectory adam",
    ]


def test_coinciding_checkpoints_get_one_epoch_label(panel_with):
    still = Trajectory(np.zeros((30, 2)), np.zeros(30), ("",) * 30, tuple(range(30)))
    axes = draw([panel_with(still)], "contourf").axes[0]
    assert set(texts(axes, "epoch")) == {"29"}


def test_without_epochs_nothing_is_written(panel_with, legend):
    axes = draw([panel_with(trajectory(epochs=False))], "contour").axes[0]
    assert not texts(axes, "epoch")
    assert legend(axes) == ["21 checkpoints", "lr falls", "first", "last"]


def test_ends_drops_and_round_epochs_are_written():
    path = trajectory(101, rates=(0.1,) * 43 + (0.01,) * 58)
    numbers = epochs_to_write(path)
    assert numbers[:3] == [100, 0, 42]
    assert set(numbers[3:]) == set(range(10, 100, 10))


def test_an_epoch_of_several_checkpoints_is_written_once():
    path = replace(trajectory(6, rates=None), epochs=(0, 0, 5, 5, 10, 10))
    assert sorted(epochs_to_write(path)) == [0, 2, 4, 5]


def test_a_path_lies_on_its_surface(panel_with):
    path = trajectory()
    panel = panel_with(path, x="-1:1:41", y="-1:1:41")
    axes = draw([panel], "surface", camera=Camera(elevation=90)).axes[0]
    x, y, z = only(axes, "trajectory").get_data_3d()
    np.testing.assert_allclose(z, bowl(np.array(x), np.array(y)), atol=0.03)
    assert (x[0], y[0]) == tuple(path.coordinates[0])


def test_the_part_of_a_path_behind_a_surface_is_dotted(make_panel):
    """Seen along y from nearly level, a ridge along x hides the path beyond it."""
    path = Trajectory(np.array([[0.0, -0.9], [0.0, 0.9]]), np.zeros(2), ("a", "b"))
    facts = {"trajectory": path.as_mapping()}
    panel = make_panel(lambda x, y: 1 - np.abs(y), x="-1:1:21", y="-1:1:21", provenance=facts)
    axes = draw([panel], "surface", camera=Camera(-90, 10)).axes[0]
    _, y, z = np.array(only(axes, "trajectory").get_data_3d())
    np.testing.assert_array_equal(np.isfinite(z), y <= 0.05)
    hidden = [line for line in axes.get_lines() if line.get_gid() == "hidden"]
    (rest,) = [line for line in hidden if len(line.get_data_3d()[1]) == len(y)]
    assert np.isfinite(rest.get_data_3d()[2])[y > 0.06].all()
    assert rest.is_dashed()


def test_checkpoints_of_a_plane_have_names(panel_with, legend):
    markers = [marker("A", 0, 0), marker("small", 0.5, 0.5), marker("out", 4, 0)]
    axes = draw([panel_with(markers=markers)], "contourf").axes[0]
    named = texts(axes, "checkpoint")
    assert {name: text.xy for name, text in named.items()} == {"A": (0, 0), "small": (0.5, 0.5)}
    diamonds = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert [line.get_xydata().tolist() for line in diamonds] == [[[0, 0]], [[0.5, 0.5]], [[4, 0]]]
    assert to_rgba(diamonds[0].get_markerfacecolor()) == to_rgba("white")
    assert legend(axes) == []


def test_a_checkpoint_off_the_plane_states_its_distance(panel_with):
    near = {**marker("near", 0.5, 0.5), "residual": 1e-6, "distance": 0.7}
    far = {**marker("far", -0.5, 0.5), "residual": 2.345, "distance": 3.0}
    unknown = {**marker("unknown", 0.5, -0.5), "residual": 2e-6}
    axes = draw([panel_with(markers=[near, far, unknown])], "contourf").axes[0]
    assert list(texts(axes, "checkpoint")) == ["near", "far (2.35 off)", "unknown"]


def test_checkpoints_of_a_line_are_drawn_at_their_coordinates(make_panel):
    provenance = {"checkpoints": [marker("A", 0), marker("B", 1), marker("C", 7)]}
    panel = make_panel(np.ones(9), x="-0.5:1.5:9", y=None, provenance=provenance)
    figure = draw([panel])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert list(texts(axes, "checkpoint")) == ["A", "B"]
    upright = [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == "--"]
    assert upright == [0, 1]
    at = axes.transData.transform([(0, 0), (1, 0)])[:, 0]
    named = texts(axes, "checkpoint").values()
    np.testing.assert_allclose([text.get_position()[0] for text in named], at)
    assert all(text.get_position()[1] > axes.bbox.y1 for text in named)
    assert axes.get_xlim() == (-0.5, 1.5)


def test_notes_count_checkpoints_outside_the_grid(panel_with):
    panel = panel_with(trajectory(scale=2), [marker("A", 0, 0), marker("B", 0, 2)])
    assert path_notes([panel, panel]) == [
        "1 of 2 checkpoints lie outside the grid of run.h5",
        "10 of 21 checkpoints of the trajectory lie outside the grid of run.h5",
    ]
    assert path_notes([panel_with(trajectory(), [marker("A", 1, -1)])]) == []


def test_a_path_is_not_drawn_on_a_line(make_panel):
    provenance = {"trajectory": trajectory(scale=9).as_mapping()}
    panel = make_panel(np.ones(3), x="0:1:3", y=None, provenance=provenance)
    assert path_notes([panel]) == []
    assert not [
        line for line in draw([panel]).axes[0].get_lines() if line.get_gid() == "trajectory"
    ]


def test_explained_variance_without_checkpoints_only_labels_the_axes(panel_with):
    empty = Trajectory(np.zeros((0, 2)), np.zeros(0), (), explained=(0.5, 0.25))
    axes = draw([panel_with(empty)]).axes[0]
    assert axes.get_xlabel() == "PCA 1: 50.0 % of variance"
    assert not [line for line in axes.get_lines() if line.get_gid() == "trajectory"]


def test_an_overlaid_path_replaces_the_surfaces_own(make_surface):
    own = {"trajectory": trajectory(3, rates=None).as_mapping()}
    other = trajectory(4, rates=None, explained=(0.6, 0.1))
    found = overlay(make_surface(bowl, provenance=own), other, "t.h5", "run.h5").provenance
    assert len(found["trajectory"]["coordinates"]) == 4
    assert found["trajectory"]["explained"] == [0.7, 0.2]
    directions = {"directions": {axis: {"kind": "file", "path": "./t.h5"} for axis in "xy"}}
    found = overlay(make_surface(bowl, provenance=directions), other, "t.h5", "run.h5").provenance
    assert found["trajectory"]["explained"] == [0.6, 0.1]
    found = overlay(make_surface(bowl, provenance=directions), other, "u.h5", "run.h5").provenance
    assert found["trajectory"]["explained"] is None
    line = make_surface(np.ones(3), x="0:1:3", y=None)
    with pytest.raises(UsageError, match="run.h5 is not a plane"):
        overlay(line, other, "t.h5", "run.h5")
    with pytest.raises(UsageError, match="no checkpoints; name a projection file"):
        overlay(make_surface(bowl), Trajectory(np.zeros((0, 2)), np.zeros(0), ()), "t.h5", "run.h5")


@pytest.mark.parametrize("damage", [{"trajectory": {"coordinates": 3}}, {"checkpoints": [{}]}])
def test_errors_about_damaged_provenance_name_the_file(make_panel, damage):
    with pytest.raises(StoreError, match="run.h5: (trajectory|checkpoints): not as this program"):
        draw([make_panel(bowl, provenance=damage)])


def test_texts_are_kept_apart():
    point = np.array([1.0, 1.0])
    places = FreeSpace((2.0, 2.0), np.array([point]))
    ways = [places.find(point, (0.11, 0.1), covering=True) for _ in range(3)]
    assert len(set(ways)) == 3
    assert places.find(point, (0.11, 0.1), APART) is not None
    assert places.find(point, (0.11, 0.1), APART) is None
    assert FreeSpace((0.1, 0.1), np.zeros((0, 2))).find(np.array([0.05, 0.05]), (0.22, 0.1)) is None


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*FLAT, "surface"])
@pytest.mark.parametrize("size", SIZES)
def test_texts_and_panels_fit(panel_with, kind, size):
    shown = [panel_with(trajectory(), [marker("sgd", 0.5, -0.5)])] * 2
    for panels in (shown[:1], shown):
        assert_fits(draw(panels, kind, size=size and size_of(size)))


NEAR = (("sgd", 0.45, 0.24), ("a second solution", 0.2, 0.06), ("Adam (lr 0.1)", 0.85, 0.75))
"""Checkpoints close to the path of ``trajectory``."""


@pytest.mark.parametrize(
    ("size", "count"),
    [
        *((None, 1), ("double", 4)),
        *(pytest.param("double", n, marks=SLOW) for n in (1, 2, 3, 5, 6)),
        *(pytest.param(None, n, marks=SLOW) for n in (2, 3, 4, 5, 6)),
    ],
)
def test_names_beside_a_path_do_not_cover_its_epochs(panel_with, size, count):
    panel = panel_with(trajectory(100, rates=None), [marker(*near) for near in NEAR])
    figure = draw([panel] * count, "contourf", size=size and size_of(size))
    wrong, _ = faults(figure, "paper")
    assert not wrong
    for axes in figure.axes[:count]:
        assert len(texts(axes, "checkpoint")) == len(NEAR)
        assert texts(axes, "epoch")
