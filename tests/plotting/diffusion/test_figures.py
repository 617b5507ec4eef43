"""Pictures of diffusion files show the record's numbers, and their texts do not collide."""

from dataclasses import replace
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from landscape_cli.errors import UsageError
from landscape_cli.plotting.diffusion import DIFFUSION_KINDS
from landscape_cli.plotting.diffusion.colors import coloring, numbers, offered
from landscape_cli.plotting.diffusion.figure import describe_diffusion, draw_diffusion, verdicts
from landscape_cli.plotting.diffusion.kernel import slopes
from landscape_cli.plotting.diffusion.painter import psi
from landscape_cli.plotting.figure_size import size_of
from landscape_cli.plotting.page import Page
from landscape_cli.plotting.scene3d.camera import Camera
from support.diffusion_maps import made_map
from support.measuring import SIZES, assert_fits

ONE, THREE = made_map(40), made_map(20, 3, onto=5)
MANY = made_map(8, 12, onto=3, draws=2, kinds=("walk",))
FILE = "mlp.diffusion.h5"


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


NUMBERS_OF_NULLS = ("eigenvalues", "coordinates")


def draw(record, kind=None, quantity=None, **options):
    return draw_diffusion(record, FILE, kind, coloring(record, FILE, quantity), Page(**options))


def points(axes):
    """Return the coordinates of the checkpoints on axes, and their values."""
    found = [each for each in axes.collections if each.get_gid() == "checkpoints"]
    values = [each.get_array() for each in found if each.get_array() is not None]
    return np.concatenate([each.get_offsets() for each in found]), values


def legend(axes):
    return [text.get_text() for box in axes.figure.legends for text in box.get_texts()]


def boxes(figure):
    """Return the text and the place in pixels of all that is written on a figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    ticks = []
    for axes in figure.axes:
        for axis in axes._axis_map.values():
            flat = axis.get_visible() and axes.name != "3d"
            drawn = {id(tick) for tick in axis._update_ticks() if flat}
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                hidden = id(tick) not in drawn
                ticks += [id(text) for text in (tick.label1, tick.label2) if hidden]
    found = []
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and id(text) not in ticks:
            box = text.get_window_extent(canvas.get_renderer())
            lines = text.get_text().split("\n")  # blank ones keep room for other texts
            first, last = (
                next(k for k, one in enumerate(each) if one.strip())
                for each in (lines, lines[::-1])
            )
            line = box.height / len(lines)
            box = Bbox.from_extents(box.x0, box.y0 + last * line, box.x1, box.y1 - first * line)
            found.append((text.get_text(), box))
    return found


LOOKS = [("paper", "column"), ("paper", "double"), ("talk", None), ("dark", "6x5")]
QUICK = [("overview", "column"), ("overview", "6x5"), ("map3d", "column"), ("kernel", "column")]


def cases():
    """Yield every kind in every look; most of them are slow together."""
    for kind in DIFFUSION_KINDS:
        for look, size in LOOKS:
            marks = () if (kind, size) in QUICK else pytest.mark.slow
            yield pytest.param(THREE, kind, look, size, marks=marks)
            yield pytest.param(ONE, kind, look, size, marks=pytest.mark.slow)


@pytest.mark.slow
@pytest.mark.parametrize(("record", "kind", "look", "size"), [*cases()])
def test_texts_neither_collide_nor_leave_the_picture(record, kind, look, size):
    figure = draw(record, kind, style=look, size=size and size_of(size), caption=size != "6x5")
    width, height = figure.get_size_inches() * figure.dpi
    written = boxes(figure)
    for text, box in written:
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) > -1, text
    for (first, one), (second, other) in combinations(written, 2):
        over_x = min(one.x1, other.x1) - max(one.x0, other.x0)
        over_y = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert over_x < 2 or over_y < 2, (first, second)


@pytest.mark.slow
def test_many_trainings_have_room_in_the_legend():
    test_texts_neither_collide_nor_leave_the_picture(MANY, "overview", "paper", "column")
    test_texts_neither_collide_nor_leave_the_picture(MANY, "map", "paper", "column")


def test_the_map_has_the_coordinates_in_order_and_the_epochs_as_colours():
    axes = draw(ONE, "map").axes[0]
    places, (values,) = points(axes)
    np.testing.assert_array_equal(places, ONE.coordinates[:, :2])
    np.testing.assert_array_equal(values, ONE.epochs)
    path = next(line for line in axes.get_lines() if line.get_label() == "_path")
    np.testing.assert_array_equal(np.transpose(path.get_data()), ONE.coordinates[:, :2])
    assert axes.get_xlabel() == psi(ONE, 1) == r"$\lambda_{1}\,\psi_{1}$"
    assert psi(replace(ONE, time=0.0), 2) == r"$\psi_{2}$"
    assert psi(replace(ONE, time=3.0), 2) == r"$\lambda_{2}^{3}\,\psi_{2}$"
    assert legend(axes) == ["first", "last"]


def test_each_training_is_a_path_of_its_own():
    axes = draw(THREE, "map").axes[0]
    paths = [line for line in axes.get_lines() if line.get_label() == "_path"]
    assert [len(line.get_xdata()) for line in paths] == [20, 20, 20]
    assert set(legend(axes)) == {
        "seed 0", "seed 1", "seed 2", "first", "last", "large batch (placed)",
    }  # fmt: skip


def test_further_checkpoints_are_hollow_and_those_out_of_reach_are_left_out():
    axes = draw(THREE, "map").axes[0]
    (hollow,) = [each for each in axes.collections if each.get_label() == "_onto"]
    np.testing.assert_array_equal(hollow.get_offsets(), THREE.onto.coordinates[1:, :2])
    assert len(hollow.get_facecolors()) == 0
    assert "the kernel does not reach 1 of them" in describe_diffusion(THREE, FILE, "map")


def test_the_third_coordinate_is_the_height():
    figure = draw(ONE, "map3d", camera=Camera(30.0, 10.0))
    axes = figure.axes[0]
    path = next(line for line in axes.get_lines() if line.get_label() == "_path")
    np.testing.assert_array_equal(np.transpose(path.get_data_3d()), ONE.coordinates[:, :3])
    assert (axes.azim, axes.elev) == (30, 10)


def test_colours_are_logarithmic_for_losses_over_decades_only():
    loss = coloring(ONE, FILE, "loss")
    assert isinstance(loss.norm, LogNorm)
    assert (loss.low, loss.high) == (ONE.losses.min(), ONE.losses.max())
    assert loss.label == "loss (log scale)"
    assert not coloring(ONE, FILE, "loss", log=False).log
    narrow = replace(ONE, losses=1 + ONE.losses)
    assert not coloring(narrow, FILE, "loss").log
    assert not coloring(ONE, FILE, "epoch").log
    assert not coloring(replace(ONE, losses=-ONE.losses), FILE, "loss").log
    assert coloring(ONE, FILE, "learning_rate").label == "learning rate"


def test_limits_of_colours_clip_and_are_reported():
    colors = coloring(ONE, FILE, "epoch", low=5, high=30)
    assert colors.clipped == (5, 9)
    assert colors.extend == "both"
    text = describe_diffusion(ONE, FILE, "map", colors)
    assert "Beyond the colours' ends: 5 checkpoints below, 9 above." in text


def test_unknown_values_are_grey_and_all_unknown_ones_are_not_offered():
    half = replace(ONE, losses=np.where(np.arange(40) < 20, np.nan, 1.0))
    axes = draw(half, "map", "loss").axes[0]
    (cloud,) = [each for each in axes.collections if each.get_gid() == "checkpoints"]
    axes.figure.draw_without_rendering()
    shades = np.unique(cloud.get_facecolors(), axis=0)
    assert len(shades) == 2
    assert np.ptp(cloud.get_facecolors()[0][:3]) == 0
    assert "loss" not in offered(replace(ONE, losses=np.full(40, np.nan)))


def test_without_epochs_or_steps_the_number_in_each_training_is_shown():
    bare = replace(THREE, epochs=None, steps=None, onto=None)
    assert coloring(bare, FILE).quantity == "number"
    np.testing.assert_array_equal(numbers(THREE.training), np.tile(np.arange(1, 21), 3))
    draw(bare, "map")


def test_trainings_as_colours_have_no_colour_bar():
    figure = draw(THREE, "pca", "training")
    assert len(figure.axes) == 2
    assert points(figure.axes[0])[1] == []


def test_the_overview_has_a_map_components_a_walk_and_eigenvalues():
    figure = draw(ONE)
    titles = [axes.get_title() for axes in figure.axes[:4]]
    assert titles == [
        "diffusion map", "principal components", "map of a random walk", "eigenvalues",
    ]  # fmt: skip
    walk = next(null for null in ONE.nulls if null.kind == "walk")
    np.testing.assert_array_equal(points(figure.axes[2])[0], walk.coordinates[:, :2])
    np.testing.assert_array_equal(points(figure.axes[1])[0], ONE.pca)
    bare = replace(ONE, nulls=(), pca=None, explained=None)
    assert [axes.get_title() for axes in draw(bare).axes[:2]] == ["diffusion map", "eigenvalues"]


def test_a_walk_has_no_losses():
    axes = draw(ONE, "overview", "loss").axes[2]
    assert axes.get_title() == "map of a random walk"
    assert not [each for each in axes.collections if each.get_gid() == "checkpoints"]


def test_bars_are_the_ranges_of_the_walks_eigenvalues():
    axes = draw(ONE, "eigenvalues").axes[0]
    (own,) = [line for line in axes.get_lines() if line.get_gid() == "eigenvalues"]
    np.testing.assert_array_equal(own.get_ydata(), ONE.eigenvalues)
    for null in ONE.nulls:
        bars = [bar for bar in axes.patches if bar.get_gid() == null.kind]
        np.testing.assert_allclose(
            [bar.get_y() for bar in bars], null.eigenvalues[:, 1:].min(axis=0)
        )
        np.testing.assert_allclose(
            [bar.get_y() + bar.get_height() for bar in bars], null.eigenvalues[:, 1:].max(axis=0)
        )
    assert {"ε/2", "2ε", "training", "random walks", "permuted steps"} == set(legend(axes))


def test_the_slope_is_that_of_a_power_law():
    kernel = replace(ONE.kernel, sums=3.0 * ONE.kernel.epsilons**1.25)
    record = replace(ONE, kernel=kernel, dimension=2.5)
    np.testing.assert_allclose(slopes(record), 1.25)
    left, right = draw(record, "kernel").axes
    (sums,) = [line for line in left.get_lines() if line.get_gid() == "sums"]
    np.testing.assert_array_equal(sums.get_ydata(), kernel.sums)
    (slope,) = [line for line in right.get_lines() if line.get_gid() == "slope"]
    np.testing.assert_allclose(slope.get_ydata(), 1.25)
    assert legend(left)[0] == "dimension 2.5"
    (dot,) = [line for line in right.get_lines() if line.get_label() == "_steepest"]
    assert [dot.get_xdata()[0], dot.get_ydata()[0]] == [record.epsilon, 1.25]


def test_the_dimension_is_marked_at_its_own_maximum_of_the_slope():
    logs = np.log(ONE.kernel.epsilons)
    middle = logs[len(logs) // 2]
    peaks = np.exp(-((logs - middle - 3) ** 2)) + 2 * np.exp(-((logs - middle + 3) ** 2))
    sums = np.exp(np.cumsum(peaks) * (logs[1] - logs[0]))
    kernel = replace(ONE.kernel, sums=sums)
    record = replace(ONE, kernel=kernel, dimension=2.0, chosen="median")
    right = draw(record, "kernel").axes[1]
    (dot,) = [line for line in right.get_lines() if line.get_label() == "_steepest"]
    assert np.log(dot.get_xdata()[0]) == pytest.approx(middle + 3, abs=logs[1] - logs[0])


def test_the_heading_says_what_differs_and_what_does_not():
    null = replace(ONE.nulls[0], kind="walk", statistics={"gap": np.arange(8.0), "b": np.ones(8)})
    record = replace(ONE, statistics={"gap": 9.0, "b": 1.0}, nulls=(null,))
    texts = [" ".join(text.split()) for text, _ in boxes(draw(record, "map"))]
    heading = [text for text in texts if "unlike" in text]
    assert heading == [
        "mlp, 40 checkpoints, 40 parameters unlike random walks in spectral gap; like them "
        "in the other statistic"
    ]
    text = describe_diffusion(record, FILE)
    assert "8 random walks with the same step lengths: spectral gap 9 (0 to 7)." in text
    assert "Within their range: b." in text


@pytest.mark.parametrize(
    ("outside", "line"),
    [
        ("abcd", "unlike random walks in all 4 statistics"),
        ("", "like random walks in all 4 statistics"),
        ("ab", "unlike random walks in a, b; like them in the other 2 statistics"),
        ("abd", "like random walks in c; unlike them in the other 3 statistics"),
    ],
)
def test_the_heading_names_the_fewer(outside, line):
    walks = {name: np.arange(8.0) for name in "abcd"}
    null = replace(ONE.nulls[0], kind="walk", statistics=walks)
    own = {name: 99.0 if name in outside else 1.0 for name in "abcd"}
    assert verdicts(replace(ONE, statistics=own, nulls=(null,))) == [line]


@pytest.mark.parametrize(
    ("record", "options", "words"),
    [
        (made_map(8, components=1, kinds=()), {"kind": "map"}, "has 1 coordinate; compute 2 with"),
        (made_map(8, components=2), {"kind": "map3d"}, "has 2 coordinates; compute 3 with --comp"),
        (replace(ONE, kernel=None), {"kind": "kernel"}, "has no sums of the kernel"),
        (replace(ONE, pca=None), {"kind": "pca"}, "has no principal components"),
        (replace(ONE, coordinates=None, eigenvalues=None), {}, "its map is not computed yet"),
        (ONE, {"quantity": "accuracy"}, "--quantity 'accuracy': mlp.diffusion.h5 has epoch, step"),
    ],
)
def test_what_a_record_lacks_is_refused(record, options, words):
    with pytest.raises(UsageError, match=words):
        draw(record, **options)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"low": 5.0, "high": 5.0}, "5 to 5 is no range"),
        ({"low": -1.0, "log": True}, "no range of a logarithmic scale of the loss"),
        ({"quantity": "epoch", "low": 900.0}, "900 to 39 is no range of a linear scale"),
    ],
)
def test_limits_without_a_range_are_refused(limits, words):
    with pytest.raises(UsageError, match=words):
        coloring(ONE, FILE, **{"quantity": "loss", **limits})


def test_one_coordinate_is_shown_by_its_eigenvalues():
    (axes,) = draw(made_map(8, components=1, kinds=())).axes
    assert axes.get_ylabel() == "eigenvalue"


@pytest.mark.parametrize("count", [3, 2000])
def test_few_and_many_checkpoints_are_drawn(count):
    record = made_map(3, components=2)
    if count > 3:
        some = {"components": 2, "draws": 1, "kinds": ()}
        record = made_map(10, **some)
        repeated = np.arange(count) % 10
        record = replace(
            record,
            labels=("a",) * count,
            training=np.zeros(count, int),
            distances2=np.zeros((count, count)),
            squares=np.zeros(count),
            coordinates=record.coordinates[repeated],
            pca=record.pca[repeated],
            **{name: getattr(record, name)[repeated] for name in ("epochs", "steps", "losses")},
            learning_rates=None,
        )
    draw(record).draw_without_rendering()


def test_numbers_that_are_none_are_drawn_without_a_warning(recwarn):
    null = ONE.nulls[0]
    nothing = {name: np.full_like(getattr(null, name), np.nan) for name in NUMBERS_OF_NULLS}
    unknown = {name: np.full(8, np.nan) for name in null.statistics}
    record = replace(
        ONE,
        nulls=(replace(null, **nothing, statistics=unknown),),
        kernel=replace(ONE.kernel, sums=np.zeros(40)),
        losses=np.r_[np.inf, -1, np.ones(38)],
        training=np.ones(40, int),
        names=("empty", "full"),
    )
    for kind in ("overview", "kernel"):
        draw(record, kind, "loss").draw_without_rendering()
    assert "Not comparable" in describe_diffusion(record, FILE)
    assert [one for one in recwarn if issubclass(one.category, RuntimeWarning)] == []


def test_eigenvalues_that_are_none_leave_the_others():
    record = replace(ONE, eigenvalues=np.array([1, np.nan, -np.inf, 0.5, -0.1]))
    axes = draw(record, "eigenvalues").axes[0]
    assert axes.get_ylim() == pytest.approx((-0.105, 1.05))


def test_names_from_foreign_files_are_drawn_plain():
    evil = "$x^2 \\bad{$ a\x1b]0;b\r\n\u202ec"
    facts = {"network": {"name": evil}}
    record = replace(THREE, names=(evil, "_b", "c"), provenance=facts)
    figure = draw_diffusion(record, f"{evil}.diffusion.h5", "map", page=Page(caption=True))
    figure.draw_without_rendering()
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert not any(char in text for text in texts for char in "\x1b\r\u202e")


@pytest.mark.slow
@pytest.mark.parametrize("kind", DIFFUSION_KINDS)
@pytest.mark.parametrize("size", SIZES)
def test_texts_and_panels_fit(kind, size):
    for record in (ONE, THREE):
        assert_fits(draw(record, kind, size=size and size_of(size)))
